#include "succession/cbor.h"

#include <string>
#include <utility>

namespace gracevisor::succession {
namespace {

using nlohmann::json;

// Follows the bytes without keeping anything, up to where they leave the limits. A list that promises more
// than there can be is outside them too: json::from_cbor() throws for it even when asked not to throw.
class Limits : public nlohmann::json_sax<json> {
 public:
  bool null() override { return value(); }
  bool boolean(bool /*value*/) override { return value(); }
  bool number_integer(json::number_integer_t /*value*/) override { return value(); }
  bool number_unsigned(json::number_unsigned_t /*value*/) override { return value(); }
  bool number_float(json::number_float_t /*value*/, const std::string& /*text*/) override { return value(); }
  bool string(std::string& /*value*/) override { return value(); }
  bool binary(json::binary_t& /*value*/) override { return value(); }
  bool key(std::string& /*name*/) override { return true; }
  bool start_object(std::size_t elements) override { return begin(elements); }
  bool start_array(std::size_t elements) override { return begin(elements); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& /*why*/) override {
    return false;
  }

 private:
  static constexpr auto kNotTold = static_cast<std::size_t>(-1);  // a list with an end mark

  bool value() { return ++values_ <= kMostCborValues; }
  bool begin(std::size_t elements) {
    ++depth_;
    return value() && depth_ <= kDeepestCbor && (elements == kNotTold || elements <= kMostCborValues);
  }
  bool end() {
    --depth_;
    return true;
  }

  std::size_t values_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<json> read_cbor(std::string_view bytes) {
  Limits limits;
  if (!json::sax_parse(bytes, &limits, json::input_format_t::cbor)) return std::nullopt;
  json value = json::from_cbor(bytes, true, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

}  // namespace gracevisor::succession
