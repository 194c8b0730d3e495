--- neap map: what a heap's bytes are used for, as a table or a picture.

local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"
local picture = require "neap.cli_picture"

local map = {}

function map.describe(command)
  command:summary "Show what a heap's bytes are used for."
  command:description(
    "List the parts of a heap from its first byte to its last: the header, the "
    .. "slots of threads, the records of objects and names, the elements of each "
    .. "array, what is free, how much of each is in memory, and how much of that "
    .. "in memory of other processes too; then who has the heap mapped. Or draw "
    .. "that.")
  command:argument("heap", "sky, sysv:5678, ./results.neap.")
  command:option("--svg", "Draw a picture to that file."):argname("FILE")
  command:option("--png", "The same as PNG, with rsvg-convert."):argname("FILE")
  command:option("--html", "A page with the picture and the table.")
    :argname("FILE")
end

local columns = {
  {"OFFSET", right = true}, {"SIZE", right = true}, {"IS"}, {"NAME"},
  {"IN MEMORY", right = true}, {"OTHERS", right = true}, {"SHARE"},
}

local styles = {array = "green", free = "dim", bare = "dim", reserve = "dim"}
local BAR = 20

--- How much of all that has memory it is.
local function bar(part, all)
  if part.kind == "reserve" then return "" end
  local n = math.floor(part.size / all * BAR + 0.5)
  return ("#"):rep(n) .. ("."):rep(BAR - n)
end

local function print_table(parts, info)
  local rows = {}
  for i, part in ipairs(parts) do
    rows[i] = {
      ("0x%x"):format(part.offset), out.size(part.size),
      {part.kind, styles[part.kind]}, out.printable(part.name or ""),
      part.kind == "reserve" and {"-", "dim"} or out.size(part.resident),
      part.kind == "reserve" and {"-", "dim"}
        or part.others and out.size(part.others) or "?",
      {bar(part, info.size), "dim"},
    }
  end
  out.table(columns, rows)
end

local function own_pid()
  local file = io.open("/proc/self/stat")
  local pid = file and file:read("n")
  if file then file:close() end
  return pid
end

--- This process has it mapped as well, and for this only.
local function say_processes(processes)
  local own, pids = own_pid(), {}
  for _, pid in ipairs(processes or {}) do
    if pid ~= own then pids[#pids + 1] = pid end
  end
  if not processes then return "who has it mapped is not known" end
  if #pids == 0 then return "no other process has it mapped" end
  return ("mapped by %d process%s: %s"):format(#pids, #pids > 1 and "es" or "",
                                               table.concat(pids, ", "))
end

local function write(path, text)
  local file, why = io.open(path, "w")
  if not file then out.fail(why) end
  file:write(text)
  file:close()
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function write_png(path, svg)
  local file, why = io.open(path, "w") -- a better word than the shell's
  if not file then out.fail(why) end
  file:close()
  if not os.execute("command -v rsvg-convert >/dev/null 2>&1") then
    os.remove(path)
    out.fail("--png needs rsvg-convert: apt install librsvg2-bin; --svg needs "
             .. "nothing")
  end
  local pipe = io.popen("rsvg-convert -o " .. quoted(path), "w")
  pipe:write(svg)
  if not pipe:close() then out.fail("rsvg-convert has failed") end
end

function map.run(args)
  local heap, why = heaps.try(args.heap, {read_only = true})
  if not heap then out.fail(why) end
  local info = heap:info()
  local parts = out.list(heap:parts())
  local title, mapped = heap:address(), say_processes(heap:processes())
  heap:close()
  if args.svg or args.png or args.html then
    local svg = picture.of_heap(parts, info, title, mapped)
    if args.svg then write(args.svg, svg) end
    if args.html then
      write(args.html, picture.page(svg, parts, title))
    end
    if args.png then write_png(args.png, svg) end
    return 0
  end
  if args.json then
    out.json(parts)
  else
    print_table(parts, info)
    print(mapped)
  end
  return 0
end

return map
