#include "spec/state_json.h"

#include <fmt/format.h>

#include <charconv>

namespace gracevisor::spec {
namespace {

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    std::string_view digits = hex.substr(i, 2);
    unsigned char byte = 0;
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (ec != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace

Json string_to_json(const std::string& text) {
  if (is_utf8(text)) return text;
  std::string hex;
  hex.reserve(text.size() * 2);
  for (char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return Json{{"hex", std::move(hex)}};
}

std::optional<std::string> string_from_json(const Json& json) {
  if (const auto* text = json.get_ptr<const Json::string_t*>()) return *text;
  if (!json.is_object()) return std::nullopt;
  auto hex = json.find("hex");
  if (hex == json.end() || !hex->is_string()) return std::nullopt;
  return from_hex(*hex->get_ptr<const Json::string_t*>());
}

}  // namespace gracevisor::spec
