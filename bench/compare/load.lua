-- What wrk sends, and its figures as one line of JSON.
--   wrk -s load.lua URL -- METHOD BODY_BYTES keep|close
-- No function request(): the one request is made once, so that nothing here runs while the load does.

function init(args)
   wrk.method = args[1] or "GET"
   local size = tonumber(args[2] or "0")
   if size > 0 then wrk.body = string.rep("x", size) end
   if args[3] == "close" then wrk.headers["Connection"] = "close" end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      'figures {"requests": %d, "seconds": %.6f, "bytes": %d, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f, ' ..
      '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
      summary.requests, summary.duration / 1e6, summary.bytes,
      latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
