--- neap show: what is in a heap.

local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local show = {}

local PREVIEW = 5 -- elements of an array that are shown

function show.describe(command)
  command:summary "Show a heap: its facts, its objects, who is attached."
  command:description(
    "Show a heap's facts, its objects with type, shape and value, and the "
    .. "threads that are attached for writing. It is opened for reading only: "
    .. "nothing changes.")
  command:argument("heap", "Its address: sky, sysv:5678, ./results.neap.")
  command:flag("--names", "Print the names of its objects alone, a line each.")
end

-- Values ---------------------------------------------------------------------

local function element_text(first, second)
  if second then return ("%.6g%+.6gi"):format(first, second) end
  if math.type(first) == "float" then return ("%.6g"):format(first) end
  return tostring(first)
end

--- The first elements: of more dimensions, those of the first row of all.
local function first_elements(array, shape)
  local indices, texts = {}, {}
  for axis = 1, #shape do indices[axis] = 1 end
  local length = shape[#shape]
  for i = 1, math.min(length, PREVIEW) do
    indices[#indices] = i
    texts[i] = element_text(array:get(table.unpack(indices)))
  end
  local is_all = #shape == 1 and length <= PREVIEW
  return table.concat(texts, " ") .. (is_all and "" or " ...")
end

--- Since it was listed it may have been dropped, and made anew as another.
local function preview(heap, item)
  local array <close> = heap:object(item.name)
  if not array then return "" end
  local read, text = pcall(first_elements, array, item.shape)
  return read and text or "(changed meanwhile)"
end

local function held_text(how, pid, slots)
  for _, slot in ipairs(slots) do
    if slot.dead and slot.pid == pid then
      return ("%s by pid %d, which is dead"):format(how, pid)
    end
  end
  return ("%s by pid %d"):format(how, pid)
end

--- What the value of a kind means: a format, or words for 0 and for more.
local meanings = {
  event = {"not set", "set"}, once = {"not done", "done"},
  latch = "%d left", barrier = "%d waiting",
}

local how_held = {mutex = "held", rwlock = "written", once = "being done"}

local function value_text(heap, item, slots)
  local meaning = meanings[item.kind]
  if item.kind == "array" then return preview(heap, item) end
  if item.holder then
    return held_text(how_held[item.kind], item.holder, slots)
  end
  if item.kind == "mutex" then return "free" end
  if type(meaning) == "string" then return meaning:format(item.value) end
  if meaning then return meaning[item.value > 0 and 2 or 1] end
  return item.value and element_text(item.value) or ""
end

-- For people -----------------------------------------------------------------

local function print_facts(heap, info)
  print(("%s  %s heap%s, owner %s, mode %s, made %s"):format(
    out.styled(out.printable(heap:address()), "bold"), info.kind,
    info.ephemeral and " (ephemeral)" or "", out.owner(info.uid),
    out.mode(info.mode), os.date("%Y-%m-%d %H:%M:%S", info.created)))
  print(("  %s used of %s, may grow to %s"):format(
    out.size(info.used), out.size(info.size), out.size(info.reserved)))
  local dead = out.styled(("%d dead"):format(info.dead),
                          info.dead > 0 and "red" or nil)
  print(("  %d attached of %s at most, %s, %d reaped since birth"):format(
    info.attached, out.count(info.slots, "slot"), dead, info.deaths))
  print(out.styled(("  uuid %s, layout %d"):format(info.uuid, info.layout),
                   "dim"))
end

local function print_objects(heap, objects, slots)
  if #objects == 0 then
    print("No objects.")
    return
  end
  local rows = {}
  for i, item in ipairs(objects) do
    rows[i] = {
      out.printable(item.name), item.kind, item.type or item.variant or "",
      item.shape and table.concat(item.shape, "x") or "",
      item.bytes and out.size(item.bytes) or "", value_text(heap, item, slots),
    }
  end
  out.table({{"OBJECT"}, {"KIND"}, {"TYPE"}, {"SHAPE"},
             {"BYTES", right = true}, {"VALUE"}}, rows)
end

local function print_slots(slots)
  if #slots == 0 then return end
  local rows = {}
  for i, slot in ipairs(slots) do
    rows[i] = {
      tostring(slot.index), tostring(slot.pid), tostring(slot.tid),
      slot.dead and {"dead", "red"} or {"alive", "green"},
      tostring(slot.held), tostring(slot.permits),
    }
  end
  print()
  out.table({{"SLOT", right = true}, {"PID", right = true},
             {"TID", right = true}, {"STATE"}, {"LOCKS", right = true},
             {"PERMITS", right = true}}, rows)
end

function show.run(args)
  local heap <close> = heaps.open(args.heap, {read_only = true})
  local info, why = heap:info()
  local objects, slots
  if info then objects, why = heap:list() end
  if objects then slots, why = heap:slots() end
  if not slots then out.fail(why) end

  if args.names then
    for _, item in ipairs(objects) do print(item.name) end
    return 0
  elseif args.json then
    info.address, info.slots_total, info.slots = heap:address(), info.slots, nil
    info.mode, info.owner = out.mode(info.mode), out.owner(info.uid)
    info.objects, info.slots = out.list(objects), out.list(slots)
    out.json(info)
    return 0
  end
  print_facts(heap, info)
  print()
  print_objects(heap, objects, slots)
  print_slots(slots)
  return 0
end

return show
