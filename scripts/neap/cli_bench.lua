--- neap bench ipc: ways to bring bytes from one process to another, measured.

local core = require "neap.core"
local out = require "neap.cli_out"
local picture = require "neap.cli_picture"

local bench = {}

local default_sizes = "8,64,1K,8K,64K,1M,16M"

function bench.describe(command)
  command:summary "Measure neap beside what the system has."
  command:description(
    "`neap bench ipc` brings the same bytes from one process to another by pipe, "
    .. "FIFO, Unix socket, POSIX and System V message queue, a mapped file with "
    .. "the C library's semaphores, and neap's shared memory. For each size: the "
    .. "time of a message one way (half of there and back), how much goes "
    .. "through when the bytes lie ready, and how much when each of them is "
    .. "written before and read afterwards. Each process has a processor of its "
    .. "own, where there are two.")
  command:argument("what", "ipc."):choices {"ipc"}
  command:option("--sizes", "Bytes of a message, with commas.", default_sizes)
  command:option("--ways", "Which ones, with commas, instead of all.")
  command:option("--seconds", "For each way and size.", "0.6")
  command:option("--svg", "Draw a picture of it to that file."):argname("FILE")
end

local units = {[""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30}

local function read_sizes(text)
  local sizes = {}
  for word in text:gmatch("[^,]+") do
    local digits, unit = word:match("^(%d+)([KMG]?)$")
    local size = digits and tonumber(digits) * units[unit]
    if not size or size < 1 or size > 1 << 30 then
      out.fail(("--sizes: '%s' is not 1 to 1G bytes"):format(word))
    end
    sizes[#sizes + 1] = size
  end
  if #sizes == 0 then out.fail("--sizes: none was given") end
  return sizes
end

local function read_ways(text)
  local all = core.ipc_ways()
  if not text then return all end
  local known, ways = {}, {}
  for _, way in ipairs(all) do known[way] = true end
  for word in text:gmatch("[^,]+") do
    if not known[word] then
      out.fail(("--ways: there is no '%s'; there are %s"):format(
        word, table.concat(all, ", ")))
    end
    ways[#ways + 1] = word
  end
  return ways
end

local function progress(text)
  if core.terminal(2) then io.stderr:write("\r\27[K", text) end
end

local function measure(sizes, ways, seconds)
  local items = out.list()
  for _, size in ipairs(sizes) do
    for _, way in ipairs(ways) do
      progress(("%s, %s ..."):format(way, out.size(size)))
      local item, why = core.ipc_measure(way, size, seconds)
      item = item or {why = why}
      item.way, item.size = way, size
      items[#items + 1] = item
    end
  end
  progress("")
  return items
end

-- As a table -----------------------------------------------------------------

local columns = {
  {"SIZE", right = true}, {"WAY"}, {"ONE WAY", right = true},
  {"TRANSFER", right = true}, {"TIMES PIPE", right = true},
  {"WRITTEN AND READ", right = true}, {"TIMES PIPE", right = true},
}

local function duration(nanoseconds)
  if nanoseconds < 1e3 then return ("%.0f ns"):format(nanoseconds) end
  if nanoseconds < 1e6 then return ("%.1f us"):format(nanoseconds / 1e3) end
  return ("%.1f ms"):format(nanoseconds / 1e6)
end

local function rate(bytes)
  local names = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"}
  local i = 1
  while bytes >= 1000 and i < #names do bytes, i = bytes / 1000, i + 1 end
  return ("%.3g %s"):format(bytes, names[i])
end

local function times(value, pipe)
  return pipe and ("%.1f"):format(value / pipe) or {"-", "dim"}
end

local function print_table(items)
  local rows, pipe = {}, nil
  for i, item in ipairs(items) do
    if item.way == "pipe" then pipe = item end
    if pipe and pipe.size ~= item.size then pipe = nil end
    if item.latency then
      rows[i] = {out.size(item.size), item.way, duration(item.latency),
                 rate(item.transfer), times(item.transfer,
                                            pipe and pipe.transfer),
                 rate(item.touched), times(item.touched, pipe and pipe.touched)}
    else
      rows[i] = {out.size(item.size), item.way, {"-", "dim"}, {"-", "dim"},
                 {"-", "dim"}, {item.why, "dim"}, {"-", "dim"}}
    end
  end
  out.table(columns, rows)
end

function bench.run(args)
  local sizes, ways = read_sizes(args.sizes), read_ways(args.ways)
  local seconds = tonumber(args.seconds)
  if not seconds or seconds <= 0 or seconds > 3600 then
    out.fail(("--seconds: '%s' is no number of seconds"):format(args.seconds))
  end
  local file, why
  if args.svg then
    file, why = io.open(args.svg, "w")
    if not file then out.fail(why) end
  end
  local items = measure(sizes, ways, seconds)
  if file then
    file:write(picture.of_ipc(items, ways))
    file:close()
  end
  if args.json then out.json(items) else print_table(items) end
  return 0
end

return bench
