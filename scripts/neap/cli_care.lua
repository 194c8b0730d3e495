--- neap rm, gc, check: looking after heaps.

local neap = require "neap"
local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local care = {rm = {}, gc = {}, check = {}}

-- rm -------------------------------------------------------------------------

function care.rm.describe(command)
  command:summary "Remove heaps and segments."
  command:description(
    "Take away the names of heaps and segments, without asking. Processes that "
    .. "have them open go on; the memory goes with the last of them. A file "
    .. "that is no heap is left alone.")
  command:argument("address", "sky, sysv:5678, ./results.neap."):args "+"
  command:flag("-f --force", "Be content with what is not there.")
  command:flag("--semaphores", "The addresses are those of semaphores of the "
               .. "kernel: posix:jobs, sysv:5678.")
end

--- Why that file should stay, nil if it may go.
local function objection(address)
  if not address:find("^file:") then return nil end
  local heap, why, code = heaps.try(address, {read_only = true})
  if heap then heap:close() end
  if code == "EFOREIGN" then return why .. "; `rm` removes any file", code end
  return nil
end

local function remove(text, semaphores)
  local address = heaps.address(text)
  local why, code = objection(address)
  if why and not semaphores then return nil, why, code end
  local unlink = semaphores and neap.kernel_semaphore.unlink or neap.unlink
  local sound, done
  sound, done, why, code = pcall(unlink, address)
  if not sound then return nil, done, "EINVAL" end
  return done, why, code
end

function care.rm.run(args)
  local items, failed = out.list(), false
  for _, text in ipairs(args.address) do
    local done, why, code = remove(text, args.semaphores)
    local item = {address = heaps.address(text), removed = done == true}
    if not done and not (args.force and code == "ENOENT") then
      item.error, failed = why, true
      if not args.json then out.complain(why) end
    end
    items[#items + 1] = item
  end
  if args.json then out.json(items) end
  return failed and 1 or 0
end

-- gc -------------------------------------------------------------------------

function care.gc.describe(command)
  command:summary "Reap the dead, sweep what nobody uses."
  command:description(
    "In every heap of this machine that may be opened, and in the files named: "
    .. "finish or undo what dead threads were doing and give back what they "
    .. "held. Ephemeral heaps whose last user is gone are removed, and files "
    .. "of heaps whose making was cut short. Nothing that is in use changes.")
  command:argument("file", "A heap's file, or any other address."):args "*"
end

local function reap(address)
  local item = {address = address, reaped = 0}
  local heap, why, code = heaps.try(address)
  if heap then
    local reaped
    reaped, why, code = heap:reap()
    heap:close()
    item.reaped = reaped or 0
    if reaped then return item end
  elseif code == "ENOENT" then
    item.removed = true
    return item
  end
  item.error, item.code = why, code
  return item
end

--- Files that a killed process left while it made a heap: the lock on such a
-- file tells whether its maker lives, and it is removed under that lock.
local sweep_command = [[
for file in "$1"/.neap-birth-*; do
    [ -f "$file" ] || continue
    flock -n "$file" rm -f -- "$file" && echo "$file"
done 2>/dev/null]]

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function sweep(directory, swept)
  local pipe = io.popen(("sh -c %s sh %s"):format(quoted(sweep_command),
                                                   quoted(directory)))
  if not pipe then return end
  for line in pipe:lines() do swept[#swept + 1] = line end
  pipe:close()
end

local function sweep_all(files)
  local swept, seen = out.list(), {["/dev/shm"] = true}
  sweep("/dev/shm", swept)
  for _, text in ipairs(files) do
    local path = heaps.address(text):match("^file:(.*)$")
    local directory = path and (path:match("^(.*)/[^/]*$") or ".")
    if directory == "" then directory = "/" end
    if directory and not seen[directory] then
      seen[directory] = true
      sweep(directory, swept)
    end
  end
  return swept
end

local function tell(items, swept)
  local heaps_seen, reaped, removed = 0, 0, 0
  for _, item in ipairs(items) do
    if item.removed then
      removed = removed + 1
      print(("%s: removed, nobody used it"):format(out.printable(item.address)))
    elseif item.error then
      print(out.styled(item.error, item.code == "EACCES" and "dim" or "red"))
    elseif item.reaped > 0 then
      print(("%s: %s reaped"):format(out.printable(item.address),
                                     out.count(item.reaped, "dead slot")))
    end
    heaps_seen, reaped = heaps_seen + 1, reaped + item.reaped
  end
  print(("%s: %s reaped, %s removed, %s swept"):format(
    out.count(heaps_seen, "heap"), out.count(reaped, "dead slot"),
    out.count(removed, "ephemeral heap"), out.count(#swept, "half-made file")))
end

function care.gc.run(args)
  local items = out.list()
  for _, address in ipairs(heaps.all()) do items[#items + 1] = reap(address) end
  local failed = false
  for _, text in ipairs(args.file) do
    local item = reap(heaps.address(text))
    failed = failed or item.error ~= nil
    items[#items + 1] = item
  end
  local swept = sweep_all(args.file)
  if args.json then
    out.json({heaps = items, swept = swept})
  else
    tell(items, swept)
  end
  return failed and 1 or 0
end

-- check ----------------------------------------------------------------------

function care.check.describe(command)
  command:summary "Look for damage in heaps."
  command:description(
    "Walk everything in a heap and tell of leaks, of blocks that two things "
    .. "claim, and of records that contradict themselves. It reads only. The "
    .. "exit status is 1 if there is any problem.")
  command:argument("heap", "sky, sysv:5678, ./results.neap."):args "*"
  command:flag("-a --all", "Every heap of this machine.")
end

--- For writing where that is allowed, for then the heap holds still meanwhile.
local function open_for_check(text)
  local heap, why, code = heaps.try(text)
  if heap or code ~= "EACCES" then return heap, why end
  return heaps.try(text, {read_only = true})
end

local function check(text)
  local item = {address = heaps.address(text)}
  local heap, why = open_for_check(text)
  local report
  if heap then
    report, why = heap:check()
    heap:close()
  end
  if not report then
    item.ok, item.error = false, why
    return item
  end
  for key, found in pairs(report) do item[key] = found end
  return item
end

local function tell_checked(item)
  local name = out.printable(item.address)
  if item.error then
    out.complain(item.error)
  elseif item.ok then
    print(("%s: %s, %s, %s in use"):format(
      name, out.styled("sound", "green"), out.count(item.objects, "object"),
      out.size(item.used_bytes)))
  else
    print(("%s: %s"):format(name, out.styled(
      out.count(item.problems, "problem"), "red")))
    print(("  %d leaks, %d doubles, %d torn records"):format(
      item.leaks, item.doubles, item.torn))
    for line in item.text:gmatch("[^\n]+") do print("  " .. line) end
  end
end

function care.check.run(args)
  if #args.heap == 0 and not args.all then
    out.fail("check which heap? Give its address, or --all")
  end
  local items, failed = out.list(), false
  for _, address in ipairs(args.all and heaps.all(args.heap) or args.heap) do
    local item = check(address)
    failed = failed or not item.ok
    if not args.json then tell_checked(item) end
    items[#items + 1] = item
  end
  if args.json then
    out.json(items)
  elseif #items == 0 then
    print("There is no heap.")
  end
  return failed and 1 or 0
end

return care
