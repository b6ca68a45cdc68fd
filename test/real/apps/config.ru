# The app of the tests for puma: see app_server.h for what it answers.

VERSION = ENV.fetch("VERSION", "v1")

def answer(body, status = 200, headers = {})
  [status, { "Content-Type" => "text/plain", "Content-Length" => body.bytesize.to_s }.merge(headers), [body]]
end

run(lambda do |env|
  case env["PATH_INFO"]
  when "/none" then [204, {}, []]
  when "/etag"
    tag = { "ETag" => '"one"' }
    env["HTTP_IF_NONE_MATCH"] == tag["ETag"] ? [304, tag, []] : answer("tagged\n", 200, tag)
  when "/echo" then answer(env["rack.input"].read)
  when "/connection" then answer(env["puma.socket"].object_id.to_s)
  else answer("version #{VERSION} pid #{Process.pid}\n")
  end
end)
