#include "build_id.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <cstring>
#include <string_view>

namespace gracevisor::daemon {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kOwner = "GNU\0"sv;

constexpr std::size_t aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

// Notes are {sizes, type, name, content}, each of the last two aligned to four bytes.
std::string id_in(std::string_view notes) {
  ElfW(Nhdr) note;
  while (notes.size() >= sizeof note) {
    std::memcpy(&note, notes.data(), sizeof note);
    notes.remove_prefix(sizeof note);
    const std::size_t name = aligned(note.n_namesz);
    if (name + aligned(note.n_descsz) > notes.size()) break;
    // The name's NUL counts.
    const bool is_id =
        note.n_type == NT_GNU_BUILD_ID && notes.starts_with(kOwner) && note.n_namesz == kOwner.size();
    if (is_id) {
      std::string digits;
      for (const char byte : notes.substr(name, note.n_descsz)) {
        digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
      }
      return digits;
    }
    notes.remove_prefix(name + aligned(note.n_descsz));
  }
  return {};
}

// The first object is the program itself.
int look(dl_phdr_info* object, std::size_t /*size*/, void* into) {
  auto& id = *static_cast<std::string*>(into);
  for (ElfW(Half) i = 0; i < object->dlpi_phnum && id.empty(); ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
    id = id_in({reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr), part.p_memsz});
  }
  return 1;
}

}  // namespace

std::string build_id() {
  std::string id;
  (void)::dl_iterate_phdr(look, &id);
  return id.empty() ? "unknown" : id;
}

}  // namespace gracevisor::daemon
