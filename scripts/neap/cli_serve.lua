--- neap serve: snapshots of a heap for whoever may connect.

local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local serve = {}

function serve.describe(command)
  command:summary "Give snapshots of a heap to others."
  command:description(
    "Give a snapshot of the heap to each process that takes it at a path, until "
    .. "Ctrl-C: memory with the heap as it is at one instant, which its receiver "
    .. "can read, and nobody can change. In a script: "
    .. "neap.segment.take(path):heap(), neap.Segment.take(path).heap(). Who may "
    .. "connect to the socket gets it; the heap itself stays its owner's.")
  command:argument("heap", "sky, sysv:5678, ./results.neap.")
  command:argument("path", "Where the Unix socket is to be.")
  command:option("--mode", "Permissions of the socket: 0666 lets all users.",
                 "0600")
  command:option("--fresh", "A snapshot is given again to others for so many "
                 .. "seconds.", "1"):argname("SECONDS")
  command:option("--count", "End after so many."):argname("N")
  command:option("--timeout", "End after so many seconds."):argname("SECONDS")
end

--- A number that was given as text, or nil when none was.
local function number(text, what)
  if not text then return nil end
  local n = tonumber(text)
  if not n or n < 0 then
    out.fail(("--%s: '%s' is no number, 0 or more"):format(what, text))
  end
  return n
end

function serve.run(args)
  local options = {
    mode = args.mode, fresh = number(args.fresh, "fresh"),
    timeout = number(args.timeout, "timeout"),
    count = number(args.count, "count"),
  }
  local heap, why = heaps.try(args.heap)
  if not heap then out.fail(why) end
  local served
  served, why = heap:serve(args.path, options)
  heap:close()
  if not served then out.fail(why) end
  if args.json then
    out.json({path = args.path, served = served})
  else
    print(("%s: %s taken"):format(out.printable(args.path),
                                  out.count(served, "snapshot")))
  end
  return 0
end

return serve
