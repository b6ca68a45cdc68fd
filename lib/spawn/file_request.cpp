#include "spawn/file_request.h"

#include <cerrno>
#include <cstring>

namespace gracevisor::spawn {
namespace {

void put(std::string& out, std::uint32_t number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  out.append(raw, sizeof number);
}

bool take(std::string_view& rest, std::uint32_t& number) {
  if (rest.size() < sizeof number) return false;
  std::memcpy(&number, rest.data(), sizeof number);
  rest.remove_prefix(sizeof number);
  return true;
}

void put_long(std::string& out, std::uint64_t number) {
  put(out, static_cast<std::uint32_t>(number));
  put(out, static_cast<std::uint32_t>(number >> 32U));
}

bool take_long(std::string_view& rest, std::uint64_t& number) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  if (!take(rest, low) || !take(rest, high)) return false;
  number = static_cast<std::uint64_t>(high) << 32U | low;
  return true;
}

bool take_groups(std::string_view& rest, std::vector<gid_t>& groups) {
  std::uint32_t count = 0;
  if (!take(rest, count) || rest.size() / sizeof count < count) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t group = 0;
    if (!take(rest, group)) return false;
    groups.push_back(group);
  }
  return true;
}

}  // namespace

std::string encode(const FileRequest& request) {
  std::string out;
  put(out, kFileMagic);
  put(out, static_cast<std::uint32_t>(request.deed));
  put_long(out, request.limit);
  put(out, request.who.uid);
  put(out, request.who.gid);
  put(out, static_cast<std::uint32_t>(request.who.groups.size()));
  for (gid_t group : request.who.groups) put(out, group);
  out += request.path;
  return out;
}

base::Expected<FileRequest> decode_file_request(std::string_view bytes) {
  std::uint32_t magic = 0;
  if (!take(bytes, magic) || magic != kFileMagic) {
    return base::fail_errno("not a file request of this version", EPROTONOSUPPORT);
  }
  FileRequest request;
  std::uint32_t deed = 0;
  bool whole = take(bytes, deed) && take_long(bytes, request.limit) && take(bytes, request.who.uid) &&
               take(bytes, request.who.gid) && take_groups(bytes, request.who.groups);
  if (!whole || deed > static_cast<std::uint32_t>(FileDeed::drop_compressed) || !bytes.starts_with('/') ||
      bytes.find('\0') != std::string_view::npos) {
    return base::fail_errno("the file request is damaged", EBADMSG);
  }
  request.deed = static_cast<FileDeed>(deed);
  request.path = bytes;
  return request;
}

std::string encode(const FileAnswer& answer) {
  std::string out;
  put(out, kFileMagic);
  put(out, static_cast<std::uint32_t>(answer.code));
  put(out, answer.refused);
  return out + answer.text.substr(0, FileAnswer::kMostText);
}

base::Expected<FileAnswer> decode_file_answer(std::string_view bytes) {
  FileAnswer answer;
  std::uint32_t magic = 0;
  std::uint32_t code = 0;
  if (!take(bytes, magic) || magic != kFileMagic || !take(bytes, code) || !take(bytes, answer.refused)) {
    return base::fail_errno("the answer about a file is damaged", EBADMSG);
  }
  answer.code = static_cast<std::int32_t>(code);
  answer.text = bytes;
  return answer;
}

}  // namespace gracevisor::spawn
