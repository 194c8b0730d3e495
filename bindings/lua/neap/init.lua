--- neap: a heap that processes share.
--
-- The C half (neap.core) opens heaps, segments and what lives in them; here
-- are the one-line forms. Workers are in neap/work.lua, and the loop of
-- condition:wait_for is in neap/condition.lua.
--
-- @module neap

local core = require "neap.core"
local work = require "neap.work"
require "neap.condition"
local open_overlay = require "neap.overlay"

local neap = {
  --- The version of the library.
  version = core.version,
  open = core.open,
  heap = core.heap,
  restore = core.restore,
  checkpoint_info = core.checkpoint_info,
  unlink = core.unlink,
  maps = core.maps,
  translate = core.translate,
  features = core.features,
  signals = core.signals,
  huge_pages = core.huge_pages,
  nodes = core.nodes,
  ftok = core.ftok,
  now = core.now,
  wait_any = core.wait_any,
  watch = core.watch,
  guard = core.guard,
  segment = core.segment,
  kernel_semaphore = core.kernel_semaphore,
  --- Open a segment that is there and overlay it, in one call; options as of
  -- segment:overlay.
  -- @usage local big = assert(neap.overlay("file:big.bin", {read_only = true}))
  -- @function overlay
  -- @tparam string address
  -- @tparam[opt] table options
  -- @treturn overlay the overlay, or nil, text and code
  overlay = open_overlay,
  run = work.run,
  fork = work.fork,
}

--- Open or make a segment and map it, in one call.
--
-- With a size the segment is made when it is missing; without, it must be
-- there. With "r" it is opened for reading only.
--
-- @usage local map = assert(neap.map("sky", "1M"))
-- @usage local map = assert(neap.map("sysv:5678", "r"))
-- @function map
-- @tparam string address
-- @tparam[opt] integer|string size bytes, or text such as "64K"
-- @tparam[opt="rw"] string prot "rw" or "r"
-- @treturn mapping the mapping, or nil, text and code
function neap.map(address, size, prot)
  if prot == nil and (size == "r" or size == "rw") then
    size, prot = nil, size
  end
  prot = prot or "rw"
  if prot ~= "rw" and prot ~= "r" then
    error("bad argument #3 to 'map' (a protection is 'rw' or 'r')", 2)
  end

  local segment, text, code
  if size then
    segment, text, code = core.segment.open_or_create(address, size)
  else
    segment, text, code =
      core.segment.open(address, {read_only = prot == "r"})
  end
  if not segment then return nil, text, code end

  local map
  map, text, code = segment:map(prot)
  segment:close()
  if not map then return nil, text, code end
  return map
end

return neap
