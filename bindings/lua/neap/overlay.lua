--- Overlays: the loop over windows, and arrays of which a window is loaded.
--
-- @module neap

local core = require "neap.core"

local overlay = core.methods.overlay
local overlay_size, overlay_zone = overlay.size, overlay.zone
local overlay_load, overlay_read = overlay.load, overlay.read
local overlay_write = overlay.write

local sizes = {
  bool = 1, i8 = 1, u8 = 1, i16 = 2, u16 = 2, i32 = 4, u32 = 4, i64 = 8,
  u64 = 8, f32 = 4, f64 = 8, c64 = 8, c128 = 16,
}

--- Loads that cannot be are no reason to end a loop early in silence.
local function loaded(part, text)
  if not part then error(text, 3) end
  return part
end

--- Go through the segment from its beginning to its end, window by window: for
-- each, its offset and the part, which is closed when the next one comes. What
-- cannot be loaded raises.
--
-- @usage for offset, part in overlay:windows() do
--   sum = sum + part:array("f64", #part // 8):sum()
-- end
-- @function overlay:windows
-- @tparam[opt] integer size bytes; a frame when not given
-- @tparam[opt="r"] string prot "r", or "rw" for what is to be written
function overlay:windows(size, prot)
  local _, _, frame = overlay_zone(self)
  size = size or frame
  if math.type(size) ~= "integer" or size < 1 or size > frame then
    error(("bad argument #1 to 'windows' (1 to %d bytes, a frame, expected)")
          :format(frame), 2)
  end
  local offset, part = -size, nil
  local function close()
    if part then part:close() end
    part = nil
  end
  local function next_window()
    close()
    offset = offset + size
    local all = assert(overlay_size(self))
    if offset >= all then return nil end
    part = loaded(overlay_load(self, offset, math.min(size, all - offset),
                               prot))
    return offset, part
  end
  local at_end = setmetatable({}, {__close = close})
  return next_window, nil, nil, at_end
end

-- Arrays ---------------------------------------------------------------------

--- Arrays of an overlay.
-- @type overlay_array
local array = {}

local function check_index(self, index, level)
  if math.type(index) ~= "integer" or index < 1 or index > self.length then
    error(("array of %s: index %s is not from 1 to %d"):format(
      self.overlay:address(), tostring(index), self.length), level + 1)
  end
end

local function raised(value, ...)
  if value == nil then error((...), 3) end
  return value, ...
end

--- An element.
-- @usage print(array:get(1000000000))
-- @function overlay_array:get
-- @tparam integer index from 1
-- @return the element
function array:get(index)
  check_index(self, index, 2)
  return raised(overlay_read(self.overlay,
                             self.offset + (index - 1) * self.stride,
                             self.type))
end

--- Set one.
-- @usage array:set(1000000000, 2.5)
-- @function overlay_array:set
-- @tparam integer index from 1
-- @param value (two numbers for complex)
function array:set(index, ...)
  check_index(self, index, 2)
  raised(overlay_write(self.overlay, self.offset + (index - 1) * self.stride,
                       self.type, ...))
end

--- Go through it window by window: for each, the index of its first element and
-- a neap.array over it, which is good until the next one comes.
-- @usage for first, part in array:windows() do part:fill(0) end
-- @function overlay_array:windows
-- @tparam[opt="r"] string prot
function array:windows(prot)
  local _, _, frame = overlay_zone(self.overlay)
  local most = math.max(1, (frame - 4096) // self.stride)
  if self.offset % self.stride == 0 and frame % self.stride == 0 then
    most = frame // self.stride
  end
  local first, mapping, view = 1, nil, nil
  local function close()
    if view then view:close() end
    if mapping then mapping:close() end
    mapping, view = nil, nil
  end
  local function next_window()
    close()
    if first > self.length then return nil end
    local from = first
    local at = self.offset + (from - 1) * self.stride
    local count = math.min(most, self.length - from + 1)
    if most * self.stride == frame then -- end where the frame does
      count = math.min(count, (frame - at % frame) // self.stride)
    end
    first = from + count
    mapping = loaded(overlay_load(self.overlay, at, count * self.stride, prot))
    view = loaded(mapping:array(self.type, count))
    return from, view
  end
  return next_window, nil, nil, setmetatable({}, {__close = close})
end

local function fold(self, method, join)
  local result
  for _, part in self:windows() do
    local value = part[method](part)
    result = result == nil and value or join(result, value)
  end
  return result
end

--- The sum of all elements, the least, the greatest, their mean.
-- @usage print(array:sum(), array:min(), array:max(), array:mean())
-- @function overlay_array:sum
function array:sum() return fold(self, "sum", function(a, b) return a + b end) end
function array:min() return fold(self, "min", math.min) end
function array:max() return fold(self, "max", math.max) end
function array:mean() return self:sum() / self.length end

--- Set all elements.
-- @usage array:fill(0)
-- @function overlay_array:fill
-- @param value
function array:fill(value)
  for _, part in self:windows("rw") do part:fill(value) end
  return self
end

local meta = {__name = "neap.overlay_array"}

function meta:__len() return self.length end

function meta:__index(key)
  if math.type(key) == "integer" then return array.get(self, key) end
  return array[key]
end

function meta:__newindex(key, value)
  if math.type(key) ~= "integer" then
    error(("array of %s: it has elements 1 to %d only"):format(
      self.overlay:address(), self.length), 2)
  end
  array.set(self, key, value)
end

function meta:__tostring()
  return ("neap.overlay_array of %s, %d %s"):format(
    self.overlay:address(), self.length, self.type)
end

--- See the segment as an array of one dimension: what is indexed is loaded.
--
-- @usage local numbers = overlay:array("f64")
-- @function overlay:array
-- @tparam string type
-- @tparam[opt] integer length to the end when not given
-- @tparam[opt] table options offset: bytes, 0 when not given
-- @treturn overlay_array
function overlay:array(type, length, options)
  if options == nil and _G.type(length) == "table" then
    length, options = nil, length
  end
  local stride = sizes[type]
  if not stride then
    error(("bad argument #1 to 'array' (no type '%s')"):format(tostring(type)),
          2)
  end
  for key in pairs(options or {}) do
    if key ~= "offset" then
      error(("bad argument #3 to 'array' (no option '%s'; there is offset)")
            :format(tostring(key)), 2)
    end
  end
  local offset = options and options.offset or 0
  local size = assert(overlay_size(self))
  local most = math.max(0, size - offset) // stride
  length = length or most
  if math.type(offset) ~= "integer" or offset < 0
    or math.type(length) ~= "integer" or length < 1 or length > most then
    error(("bad argument #2 to 'array' (%s has %d %s from byte %s on)"):format(
      self:address(), most, type, tostring(offset)), 2)
  end
  return setmetatable({overlay = self, type = type, length = length,
                       offset = offset, stride = stride}, meta)
end

--- An overlay over the segment of an address, in one call.
local function open(address, options)
  local read_only = options and options.read_only or false
  local segment, text, code = core.segment.open(address,
                                                {read_only = read_only})
  if not segment then return nil, text, code end
  local made
  made, text, code = segment:overlay(options)
  segment:close()
  if not made then return nil, text, code end
  return made
end

return open
