--- neap checkpoint, restore: a heap as a file, and the way back.

local core = require "neap.core"
local neap = require "neap"
local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local checkpoint = {take = {}, restore = {}}

-- checkpoint -------------------------------------------------------------------

local function level(text)
  local n = math.tointeger(tonumber(text))
  if n and n >= 1 and n <= 22 then return n end
  return nil, ("'%s' is no level of compression: 1 to 22 are"):format(text)
end

function checkpoint.take.describe(command)
  command:summary "Write a heap to a file."
  command:description(
    "Write the heap as it is at one instant, while its users go on: they stand "
    .. "still only while what changed meanwhile is copied. A checkpoint that is "
    .. "there already is replaced in one step, anything else is left alone. "
    .. "With a file alone, tell what that says of itself.")
  command:argument("heap", "sky, sysv:5678, ./results.neap; or a checkpoint.")
  command:argument("file", "Where the checkpoint goes."):args "?"
  command:option("--mode", "Permissions of the file.", "0600")
  command:option("--compress", "Compress it with zstd, at a level from 1 to 22 "
    .. "or one that is fast."):argname "LEVEL":args "?":convert(level)
  command:flag("--nobody-writes", "You know that; nobody is made to stand still.")
end

--- A line on the terminal that says how far it is.
local function progress()
  if not core.terminal(2) then return nil end
  return function(done, total)
    io.stderr:write(("\r%3d %% of %s"):format(
      total > 0 and math.min(done * 100 // total, 100) or 0, out.size(total)))
  end
end

local function tell(path)
  local info, why = neap.checkpoint_info(path)
  if not info then return nil, why end
  info.path = path
  return info, nil, ("%s: sound, %s of a heap of %s, %s on %s, taken %s"):format(
    out.printable(path), out.size(info.stored), out.size(info.size),
    out.printable(info.address), out.printable(info.host),
    os.date("%Y-%m-%d %H:%M:%S", info.taken))
end

local function stopped(n)
  return n == 1 and "1 process" or ("%d processes"):format(n)
end

local function take(args)
  local heap, why = heaps.try(args.heap)
  if not heap then return nil, why end
  local told = progress()
  local report
  report, why = heap:checkpoint(args.file, {
    mode = args.mode, nobody_writes = args.nobody_writes,
    compress = args.compress and (args.compress[1] or true), progress = told})
  if told then io.stderr:write("\r\27[K") end
  heap:close()
  if not report then return nil, why end
  report.path = args.file
  return report, nil, ("%s: %s in %.3f s; %s stood still for %.1f ms"):format(
    out.printable(args.file), out.size(report.stored), report.took,
    stopped(report.stopped), report.pause * 1000)
end

local function finish(args, result, why, line)
  if not result then
    out.complain(why)
    return 1
  end
  if args.json then out.json(result) else print(line) end
  return 0
end

function checkpoint.take.run(args)
  if not args.file then return finish(args, tell(args.heap)) end
  return finish(args, take(args))
end

-- restore ----------------------------------------------------------------------

function checkpoint.restore.describe(command)
  command:summary "Make a heap of a checkpoint."
  command:description(
    "Make a heap under an address that nobody has yet. Whatever its users were "
    .. "doing when the checkpoint was taken is finished or undone, as after a "
    .. "kill: mutexes that were held are abandoned, undo permits are back.")
  command:argument("file", "The checkpoint.")
  command:argument("heap", "The new heap: sky, ./results.neap.")
  command:option("--mode", "Permissions of the heap.", "0600")
  command:option("--reserve", "How far it may grow, as 64G.", "64G")
end

function checkpoint.restore.run(args)
  local address = heaps.address(args.heap)
  local heap, why = neap.restore(args.file, address, {
    mode = args.mode, reserve = args.reserve})
  if not heap then return finish(args, nil, why) end
  local info = heap:info()
  info.address = heap:address()
  heap:close()
  return finish(args, info, nil, ("%s: %s, %s in use"):format(
    out.printable(info.address), out.count(info.objects, "object"),
    out.size(info.used)))
end

return checkpoint
