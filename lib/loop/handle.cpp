#include "loop/handle.h"

namespace gracevisor::loop {

// Instantiated here for the owners outside this folder, who see no <uv.h> and so cannot do it themselves.
template struct HandleCloser<uv_async_t>;
template struct HandleCloser<uv_check_t>;
template struct HandleCloser<uv_poll_t>;
template struct HandleCloser<uv_prepare_t>;
template struct HandleCloser<uv_signal_t>;
template struct HandleCloser<uv_timer_t>;

}  // namespace gracevisor::loop
