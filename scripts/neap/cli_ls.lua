--- neap ls: the heaps and raw segments of this machine.

local neap = require "neap"
local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local ls = {}

function ls.describe(command)
  command:summary "List heaps and raw segments."
  command:description(
    "List the heaps and raw segments of this machine, POSIX and System V, "
    .. "and the heaps in the files named. One that is removed has lost its "
    .. "key, and lives until its last mapping goes. Of a raw segment, made by "
    .. "any program, only the kernel's facts are known.")
  command:argument("file", "A heap's file, or any other address."):args "*"
  command:flag("-q --quiet", "Print the addresses alone, a line each.")
  command:mutex(
    command:flag("--heaps", "Leave the raw segments out."),
    command:flag("--semaphores", "The semaphores of the kernel and the C "
                 .. "library instead, made by any program."))
end

--- What is told of one that could not be opened as a heap, whatever it is.
local function from_segment(segment)
  return {
    address = segment.address, heap = segment.is_heap, kind = segment.kind,
    size = segment.size, allocated = segment.allocated, uid = segment.uid,
    gid = segment.gid, mode = segment.mode, attached = segment.attached,
    id = segment.id, removed = segment.removed,
  }
end

local from_info = {
  "kind", "size", "used", "reserved", "objects", "uid", "gid", "mode",
  "attached", "dead", "deaths", "ephemeral", "uuid", "created", "layout",
}

local function add_heap(item)
  local heap, why = heaps.try(item.address, {read_only = true})
  local info
  if heap then
    info, why = heap:info()
    heap:close()
  end
  if not info then
    item.error = why
    return false
  end
  item.heap = true
  for _, key in ipairs(from_info) do item[key] = info[key] end
  return true
end

local function collect(files)
  local list, why = neap.segment.list()
  if not list then out.fail(why) end
  local items, sound = out.list(), true
  for _, segment in ipairs(list) do
    local item = from_segment(segment)
    if item.heap then add_heap(item) end
    items[#items + 1] = item
  end
  table.sort(items, function(a, b) return a.address < b.address end)

  for _, text in ipairs(files) do
    local item = {address = heaps.address(text)}
    if add_heap(item) then
      items[#items + 1] = item
    else
      out.complain(item.error)
      sound = false
    end
  end
  return items, sound
end

local function only_heaps(items)
  local kept = out.list()
  for _, item in ipairs(items) do
    if item.heap then kept[#kept + 1] = item end
  end
  return kept
end

local columns = {
  {"ADDRESS"}, {"IS"}, {"KIND"}, {"USED", right = true},
  {"SIZE", right = true}, {"RESERVED", right = true}, {"OWNER"}, {"MODE"},
  {"ATTACHED", right = true}, {"DEAD", right = true},
}

local function size_or_dash(bytes)
  return bytes and out.size(bytes) or {"-", "dim"}
end

local function number_or_dash(n)
  return n and ("%d"):format(n) or {"-", "dim"}
end

local function row_of(item)
  local is = {"raw", "dim"}
  if item.removed then is = {"removed", "yellow"} end
  if item.heap then is = {"heap", "green"} end
  if item.heap and item.error then is = {"heap?", "red"} end
  return {
    out.printable(item.address), is, item.kind, size_or_dash(item.used),
    out.size(item.size), size_or_dash(item.reserved), out.owner(item.uid),
    out.mode(item.mode), number_or_dash(item.attached),
    (item.dead or 0) > 0 and {tostring(item.dead), "red"}
      or number_or_dash(item.dead),
  }
end

local function print_table(items)
  if #items == 0 then
    print("There is no heap and no segment. In a script, neap.open(\"sky\") "
          .. "makes one.")
    return
  end
  local rows = {}
  for i, item in ipairs(items) do rows[i] = row_of(item) end
  out.table(columns, rows)
  for _, item in ipairs(items) do
    if item.error then print(out.styled(item.error, "dim")) end
  end
end

-- ls --semaphores ------------------------------------------------------------

local semaphore_columns = {
  {"ADDRESS"}, {"KIND"}, {"VALUES"}, {"WAITING", right = true}, {"OWNER"},
  {"MODE"},
}

--- Most values that are shown of a set.
local MANY = 8

--- Add the values of one, and how many wait for it; or why not.
local function add_values(item)
  local semaphore <close>, why = neap.kernel_semaphore.open(item.address)
  if not semaphore then
    item.error = why
    return
  end
  item.values = out.list()
  for i = 1, #semaphore do
    local use, text = semaphore:look(i)
    if not use then
      item.values, item.error = nil, text
      return
    end
    item.values[i] = use.value
    if use.waiting then
      item.waiting = (item.waiting or 0) + use.waiting + use.waiting_for_zero
    end
  end
end

local function values_text(item)
  if not item.values then return {"-", "dim"} end
  local text = table.concat(item.values, " ", 1, math.min(#item.values, MANY))
  return #item.values > MANY and text .. " ..." or text
end

local function semaphore_row(item)
  return {
    out.printable(item.address), item.kind, values_text(item),
    number_or_dash(item.waiting), out.owner(item.uid), out.mode(item.mode),
  }
end

local function list_semaphores(args)
  if #args.file > 0 then out.fail("ls --semaphores takes no address") end
  local items, why = neap.kernel_semaphore.list()
  if not items then out.fail(why) end
  items = out.list(items)
  table.sort(items, function(a, b) return a.address < b.address end)
  for _, item in ipairs(items) do add_values(item) end
  if args.json then
    for _, item in ipairs(items) do
      item.mode, item.owner = out.mode(item.mode), out.owner(item.uid)
    end
    out.json(items)
  elseif args.quiet then
    for _, item in ipairs(items) do print(item.address) end
  elseif #items == 0 then
    print("There is no semaphore of the kernel's. (Those in heaps are in neap "
          .. "show.)")
  else
    local rows = {}
    for i, item in ipairs(items) do rows[i] = semaphore_row(item) end
    out.table(semaphore_columns, rows)
  end
  return 0
end

function ls.run(args)
  if args.semaphores then return list_semaphores(args) end
  local items, sound = collect(args.file)
  if args.heaps then items = only_heaps(items) end
  if args.json then
    for _, item in ipairs(items) do
      item.mode, item.owner = out.mode(item.mode), out.owner(item.uid)
    end
    out.json(items)
  elseif args.quiet then
    for _, item in ipairs(items) do print(item.address) end
  else
    print_table(items)
  end
  return sound and 0 or 1
end

return ls
