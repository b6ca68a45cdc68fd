#include "output/log_read.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <numeric>
#include <ranges>

namespace gracevisor::output {
namespace {

// Lines of several streams are not strictly in the order of their times.
constexpr std::chrono::seconds kDisorder{10};

base::WallTime changed_at(const struct stat& file) {
  return base::WallTime(std::chrono::duration_cast<base::WallTime::duration>(
      std::chrono::seconds(file.st_mtim.tv_sec) + std::chrono::nanoseconds(file.st_mtim.tv_nsec)));
}

FileLine shortened(FileLine line) {
  line.shortened = line.shortened || line.text.size() > kMostText;
  line.text.resize(std::min(line.text.size(), kMostText));
  return line;
}

// Makes a whole of the first part of a line and what follows it.
void prepend(FileLine& first, FileLine& rest) {
  const std::size_t room = kMostText - std::min(kMostText, first.text.size());
  if (!first.shortened) {
    first.shortened = rest.shortened || rest.text.size() > room;
    first.text += std::string_view(rest.text).substr(0, room);
  }
  first.goes_on = rest.goes_on;
}

// Lines are missing there: what follows is no rest of what was before.
bool is_gap(std::string_view line) {
  return line.starts_with(R"({"dropped_lines":)") ||
         (line.starts_with("[gracevisor: ") && line.ends_with(" dropped]"));
}

}  // namespace

bool LogQuery::wants_instance(const std::string& name) const {
  return instances.empty() || std::ranges::any_of(instances, [&name](const std::string& one) {
           return name.starts_with(one) && (name.size() == one.size() || name[one.size()] == '.');
         });
}

bool LogQuery::wants(LogStream of, const std::string& instance, const std::string& text,
                     std::optional<base::WallTime> time) const {
  return text.find(grep) != std::string::npos && wants(of) && wants_instance(instance) &&
         (!time || wants(*time));
}

bool LogReader::step() {
  const base::TimePoint begin = std::chrono::steady_clock::now();
  const bool more = inflater_ ? inflate() : fd_ ? read_slice() : open_next();
  budget_.work -= std::chrono::steady_clock::now() - begin;
  return more && spend();
}

// False: nothing is left of the budget.
bool LogReader::spend() {
  const Budget whole;
  if (budget_.bytes == 0) found_.spent = fmt::format("{} MiB", whole.bytes >> 20U);
  if (budget_.work <= base::Duration::zero()) {
    found_.spent = fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(whole.work).count());
  }
  return found_.spent.empty();
}

LogRead LogReader::take() {
  (void)finish_open();  // there may be more than enough then
  std::vector<std::size_t> order(places_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [this](std::size_t i) { return places_[i]; });
  order.resize(std::min(order.size(), what_.query.lines));
  std::vector<FileLine> lines;
  lines.reserve(order.size());
  for (const std::size_t i : std::views::reverse(order)) lines.push_back(std::move(found_.lines[i]));
  found_.lines = std::move(lines);
  found_.bytes = bytes_;
  return std::exchange(found_, {});
}

bool LogReader::open_next() {
  if (next_ > kMostFiles || what_.query.lines == 0) return false;
  const unsigned number = next_++;
  bool compressed = false;
  auto opened = opener_->open_to_read(what_.policy, number);
  if (!opened && opened.error().error.code == ENOENT && number > 0) {
    compressed = true;
    opened = opener_->open_to_read(what_.policy, number, compressed);
  }
  if (!opened && opened.error().error.code == ENOENT) return ++missing_ < 2;
  if (!opened) {
    found_.trouble = opened.error().error.what;
    return false;
  }
  missing_ = 0;
  return begin_file(std::move(*opened), compressed);
}

bool LogReader::begin_file(base::UniqueFd opened, bool compressed) {
  struct stat file{};
  if (::fstat(opened.get(), &file) != 0) {
    found_.trouble = base::system_error("cannot stat " + what_.policy.path.string(), errno).what;
    return false;
  }
  const std::pair<dev_t, ino_t> which{file.st_dev, file.st_ino};
  if (std::ranges::find(seen_, which) != seen_.end()) return true;
  seen_.push_back(which);
  if (file.st_size > 0 && too_old(changed_at(file))) return false;
  if (compressed) {
    auto inflater = Inflater::begin(std::move(opened));
    if (inflater) {
      inflater_ = std::move(*inflater);
    } else {
      give_up_compressed(inflater.error());
    }
    return inflater.has_value();
  }
  fd_ = std::move(opened);
  left_ = static_cast<std::uint64_t>(file.st_size);
  return true;
}

bool LogReader::inflate() {
  const auto done = [this] { return inflater_->size() + inflater_->read(); };
  const std::uint64_t had = done();
  const auto more = inflater_->step();
  if (!more) {
    give_up_compressed(more.error());
    return false;
  }
  budget_.bytes -= std::min<std::uint64_t>(budget_.bytes, done() - had);
  if (*more) return true;
  left_ = inflater_->size();
  fd_ = inflater_->take();
  inflater_.reset();
  return true;
}

void LogReader::give_up_compressed(const base::Error& why) {
  inflater_.reset();
  const std::string name = base::old_name(what_.policy.path.string(), next_ - 1, true);
  found_.trouble = fmt::format("older lines are left out: {}: {} (zcat {})", name, why.what, name);
}

bool LogReader::read_slice() {
  const auto on_line = [this](std::string_view line, bool cut) { return take_line(line, cut); };
  if (left_ == 0) {
    fd_.reset();
    return lines_.begin_of_file(on_line);
  }
  const std::size_t size = std::min<std::uint64_t>(left_, kSlice);
  slice_.resize(size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n =
        ::pread(fd_.get(), slice_.data() + got, size - got, static_cast<off_t>(left_ - size + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      found_.trouble = base::system_error("cannot read " + what_.policy.path.string(), errno).what;
      return false;
    }
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  if (got < size) {
    // Truncated: what was at its end is gone.
    fd_.reset();
    lines_ = {};
    return true;
  }
  left_ -= size;
  budget_.bytes -= std::min<std::uint64_t>(budget_.bytes, size);
  return lines_.add(slice_, on_line);
}

// False: enough.
bool LogReader::take_line(std::string_view line, bool cut) {
  found_.any = true;
  ++place_;
  if (is_gap(line) && !finish_open()) return false;
  FileLine seen = look_at(line, cut);
  if (seen.time && too_old(*seen.time)) return pass_old(line);
  if (seen.time) old_ = old_bytes_ = 0;
  if (!tells(seen)) {
    note_untold(line);
    untold_ += line.size() + 1;
    found_.gave_up = untold_ > kMostUntold;
    return !found_.gave_up;
  }
  untold_ = 0;
  if (is_of_others(line)) return true;
  return put(std::move(seen));
}

bool LogReader::put(FileLine&& line) {
  const LogQuery& query = what_.query;
  if (!query.wants(line.stream) || !query.wants_instance(line.instance)) return true;
  const std::size_t size = size_of(line);
  found_.cut = size > query.bytes - bytes_;
  if (found_.cut) return false;
  bytes_ += size;
  return line.instance.empty() ? put_whole(std::move(line), place_) : put_record(std::move(line));
}

bool LogReader::put_record(FileLine&& record) {
  if (open_.size() >= kMostOpen && !finish_open()) return false;
  auto [found, fresh] = open_.try_emplace({record.instance, record.stream});
  Open& open = found->second;
  if (!fresh && !record.goes_on) {
    // What is open begins behind this one.
    Open whole = std::exchange(open, {place_, std::move(record)});
    return put_whole(std::move(whole.line), whole.place);
  }
  if (!fresh) prepend(record, open.line);
  open = {place_, std::move(record)};
  return true;
}

// Its bytes have been counted.
bool LogReader::put_whole(FileLine&& line, std::uint64_t place) {
  if (!wanted(line)) {
    bytes_ -= std::min(bytes_, size_of(line));
    return true;
  }
  places_.push_back(place);
  found_.lines.push_back(std::move(line));
  return found_.lines.size() < what_.query.lines;
}

bool LogReader::finish_open() {
  bool more = true;
  for (auto& [whose, open] : std::exchange(open_, {})) {
    more = put_whole(std::move(open.line), open.place) && more;
  }
  return more;
}

FileLine LogReader::look_at(std::string_view line, bool cut) const {
  FileLine plain{{}, {}, what_.stream, {}};
  switch (what_.kind) {
    case LogKind::output:
      if (auto record = parse_record(line, cut, what_.app)) return shortened(std::move(*record));
      break;
    case LogKind::access: plain.time = access_time(line); break;
    case LogKind::daemon: plain.time = daemon_time(line); break;
  }
  plain.text = line.substr(0, kMostText);
  plain.shortened = cut || line.size() > kMostText;
  return plain;
}

// Counts what does not say whose it is.
bool LogReader::is_of_others(std::string_view line) {
  if (what_.query.apps.empty()) return false;
  const auto app = access_app(line);
  if (!app) ++found_.nameless;
  return app && std::ranges::find(what_.query.apps, *app) == what_.query.apps.end();
}

void LogReader::note_untold(std::string_view line) {
  if (line.find(what_.query.grep) == std::string_view::npos) return;
  ++found_.untold;
  if (found_.untold_texts.size() < kMostTexts) {
    found_.untold_texts.push_back(std::hash<std::string_view>()(line.substr(0, kMostText)));
  }
}

bool LogReader::tells(const FileLine& line) const {
  const LogQuery& query = what_.query;
  const bool time = line.time || (!query.since && !query.until);
  const bool stream = line.stream != LogStream::unknown || query.stream == LogStream::unknown;
  return time && stream && (!line.instance.empty() || query.instances.empty());
}

bool LogReader::wanted(const FileLine& line) const {
  return what_.query.wants(line.stream, line.instance, line.text, line.time);
}

bool LogReader::pass_old(std::string_view line) {
  untold_ = 0;
  ++old_;
  old_bytes_ += line.size() + 1;
  return old_ < kMostOld && old_bytes_ < kMostOldBytes;
}

bool LogReader::too_old(base::WallTime time) const {
  return what_.query.since && time < *what_.query.since - kDisorder;
}

}  // namespace gracevisor::output
