// The protocol between gv-keeper and the daemons that it starts: records on a SOCK_SEQPACKET socketpair, with
// descriptors as SCM_RIGHTS. A daemon sends orders; each is answered once, in order, by a record of the same
// kind and serial. Events come unasked. The keeper knows one owner; of anyone else it takes only `hello`,
// `list`, `alive`, and from a successor `serving`.
//
// Version 1 only grows, so that any daemon runs under any keeper: fields are added at the end of a body, zero
// means what it meant before, and what a receiver does not know it ignores. A kind that the keeper does not
// know is answered `unsupported`.
//
// A row of the keeper's table is a child: {tag, pid, pidfd, the read ends of out, err and report, how it
// ended}. It is born whole by `spawn` and ended by `reap` alone; until then its pid cannot mean another
// process. All numbers are the host's; both programs run on one machine.
// Needs the C library alone: gv-keeper has no other. Thread: values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gracevisor::keeper {

inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kMostBytes = 512;
inline constexpr std::size_t kMostDescriptors = 16;
inline constexpr std::uint32_t kMostChildren = 2048;
inline constexpr std::uint32_t kMostNames = 1024;

// Where a daemon finds its socket, and the variable that holds this number. Without the variable it was not
// started by a keeper. client.h checks both, since a variable can be inherited by others. A daemon is
// executed from an open file: until it sets its name (PR_SET_NAME), ps has a number for it, and
// /proc/self/exe may say
// "(deleted)".
inline constexpr int kSocketFd = 3;
inline constexpr const char* kSocketVariable = "GV_KEEPER";

enum class Kind : std::uint16_t {
  none,  // of an answer to a record that has no header
  // Orders, with their descriptors.
  hello,
  list,
  spawn,  // helper (gv-exec, O_PATH), in, out, err, plan, report; then those that `parts` names
  reap,
  hold,  // what is to be held
  release,
  serving,    // owner: all is up; successor: the commit, which makes it the owner
  successor,  // the program, O_PATH
  end,
  policy,
  notify,
  alive,  // a sign of life, as every other order is one too
  bye,    // the daemon ends as asked
  // Events.
  exited = 64,   // a child has ended; may be told again, and of a row that was not listed yet
  superseded,    // to the predecessor: another daemon is the owner now
  daemon_ended,  // the successor or the predecessor has ended
};

enum class Code : std::uint16_t {
  ok,
  bad_record,   // a length, number of descriptors or field that cannot be
  unsupported,  // this keeper does not know the order
  not_owner,
  no_room,  // the table is full, or the keeper has no descriptor left
  busy,     // the row, the name, or the daemon exists
  unknown,  // no such child, name or daemon
  living,   // the child has not ended
  failed,   // `error` is its errno
  later,    // nothing was done: the descriptors in flight are too many, or a reader is slow
};

struct Header {
  std::uint16_t version;
  Kind kind;
  std::uint16_t length;  // of the record, this included
  Code code;             // of an answer; with any other than `ok` there is no body and no descriptor
  std::uint32_t serial;  // an order's, chosen by its sender; 0 in events
  std::int32_t error;
};
static_assert(sizeof(Header) == 16);

// Text ends with a NUL inside its array and the rest is zero.
// A child by its name: app, generation and slot are unique in the table, so that no slot has two processes.
// A child that is no instance (a hook, gzip) has an app that no app is called, beginning with '#'.
struct Tag {
  char app[64];
  char endpoint[128];
  std::uint64_t generation;
  std::uint64_t incarnation;
  std::uint64_t started;  // CLOCK_BOOTTIME, nanoseconds
  std::uint32_t slot;
  std::uint32_t reserved;
  unsigned char opaque[32];  // the daemon's own
};
static_assert(sizeof(Tag) == 256);

enum class How : std::uint32_t { lives, exited, killed, dumped };
struct Ending {
  How how;
  std::int32_t number;  // the exit code, or the signal
};

struct List {
  std::uint32_t from;  // 0, then what the last entry calls `next`
};
enum Part : std::uint32_t { kListener = 1, kOut = 2, kErr = 4, kReport = 8, kPidfd = 16 };
struct Spawn {
  Tag tag;
  // Which of these descriptors follow, in this order: the helper's listener; for the row, the read ends of
  // out, err and report.
  std::uint32_t parts;
};
struct Reap {
  std::int32_t pid;
};
// hold, release.
struct Name {
  char text[192];
};
struct Successor {
  std::uint32_t patience;  // milliseconds until it must say `serving`; else it is killed
  char arguments[400];     // added to those that the keeper has for the daemon; each ends with a NUL
};
enum class Whom : std::uint32_t { owner, successor, predecessor };
struct End {
  Whom whom;  // the successor is killed; the predecessor gets TERM, then KILL after shutdown_timeout
};
struct Policy {
  std::uint32_t shutdown_timeout;  // milliseconds
  std::uint32_t watchdog;          // milliseconds of silence after which the owner is aborted; 0: never
};
struct Notify {
  char text[208];  // for $NOTIFY_SOCKET
};
struct Bye {
  std::uint32_t status;  // what the keeper exits with
};

// Answers; those of kinds without one have the header alone. Descriptors: an entry has those that `parts`
// names; hello to a successor, and the answer to `successor`, have one end of the channel between the two
// daemons (if there were too many in flight, the next hello has it).
struct Welcome {
  Whom role;
  std::int32_t keeper;       // its pid
  std::int32_t predecessor;  // its pid, or 0
  std::uint32_t deaths;      // of daemons one after the other, each at once after its start
  std::uint32_t starts;      // of daemons, this one included, but for successors
  std::uint32_t children;    // rows
  std::uint32_t names;
  Ending last;               // the previous owner's end; `lives`: there was none
  std::uint64_t soft_files;  // RLIMIT_NOFILE as the keeper found it, and as its children get it
  std::uint64_t hard_files;
  char version[32];  // the keeper's
};
enum class What : std::uint32_t { end, child, name };
struct Entry {
  std::uint32_t next;
  What what;
  std::uint32_t parts;  // child: of kPidfd, kOut, kErr, kReport, in this order; a name has its one
  std::int32_t pid;
  Ending ending;
  union {
    Tag tag;
    Name name;
  };
};
struct Spawned {
  std::int32_t pid;
  std::uint32_t parts;  // kPidfd, or 0 where it could not be sent: pidfd_open() gives it as safely
};
// reap, exited.
struct Exit {
  std::int32_t pid;
  Ending ending;
  // Added; exited: 1: the keeper has nobody's orphan, so nothing that came from this child is left.
  std::uint32_t alone;
};
// The answer to `successor`, superseded, daemon_ended.
struct Daemon {
  std::int32_t pid;
  Whom whom;
  Ending ending;
  std::uint32_t timed_out;  // a successor that did not say `serving` in time
};

struct Record {
  Header header;
  union Body {
    List list;
    Spawn spawn;
    Reap reap;
    Name name;
    Successor successor;
    End end;
    Policy policy;
    Notify notify;
    Bye bye;
    Welcome welcome;
    Entry entry;
    Spawned spawned;
    Exit exit;
    Daemon daemon;
  } body;
};
static_assert(sizeof(Record) <= kMostBytes);

// What the keeper does with received bytes, and what a daemon does. Every field is checked; `into` is whole
// with `ok`, and otherwise has as much of the header as came. Any other code refuses the record.
[[nodiscard]] Code read_order(const void* bytes, std::size_t size, std::size_t descriptors, Record& into);
[[nodiscard]] Code read_answer(const void* bytes, std::size_t size, std::size_t descriptors, Record& into);

// An empty record of this kind, of the length that an order or an answer of it has.
[[nodiscard]] Record order(Kind kind, std::uint32_t serial);
[[nodiscard]] Record answer(Kind kind, std::uint32_t serial, Code code, std::int32_t error = 0);
[[nodiscard]] bool is_event(Kind kind);
// The same answer where its descriptors cannot travel, because too many are in flight, or cannot be taken: a
// pidfd can be opened by whoever knows the pid, and an entry has to be asked for again.
void leave_out_descriptors(Record& answered);

// False: `text` does not fit, is empty, or holds a NUL; nothing is changed.
[[nodiscard]] bool put_text(char* into, std::size_t room, const char* text, std::size_t size);
[[nodiscard]] bool same_row(const Tag& a, const Tag& b);

}  // namespace gracevisor::keeper
