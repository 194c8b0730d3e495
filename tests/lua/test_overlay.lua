--- Overlays: parts of what is larger than the zone.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local PAGE, COUNT = 4096, 20000 -- of f64: 40 pages, less 3840 bytes

--- A segment where each element is its own index, and what it is an array of.
local function numbered()
  local segment = assert(neap.segment.create("memfd:numbers", COUNT * 8))
  local map = assert(segment:map())
  local numbers = map:array("f64", COUNT)
  for i = 1, COUNT do numbers[i] = i end
  return segment, numbers
end

local function small(segment, options)
  options = options or {}
  options.zone, options.frames = options.zone or 8 * PAGE, options.frames or 4
  return assert(segment:overlay(options))
end

test("all of it is seen through a small zone", function()
  local segment = numbered()
  for _, mode in ipairs {"shared", "copy"} do
    local overlay <close> = small(segment, {mode = mode})
    local sum, bytes = 0, 0
    for offset, part in overlay:windows() do
      lu.assertEquals(offset, bytes)
      bytes = bytes + #part
      sum = sum + part:array("f64", #part // 8):sum()
    end
    lu.assertEquals(bytes, COUNT * 8)
    lu.assertEquals(sum, COUNT * (COUNT + 1) / 2)
    lu.assertEquals(overlay:stats().loads, 20)
    lu.assertEquals(overlay:stats().frames, 4)
    lu.assertEquals({select(2, overlay:zone())}, {8 * PAGE, 2 * PAGE})
    lu.assertEquals(overlay:size(), COUNT * 8)
  end
end)

test("a window may be of any size, and a loop may end early", function()
  local overlay <close> = small(numbered(), {frames = 1})
  local windows = 0
  for offset, part in overlay:windows(1000) do
    lu.assertEquals(part:read(0, "f64"), offset / 8 + 1)
    windows = windows + 1
    if windows == 50 then break end
  end
  lu.assertEquals(overlay:stats().pinned, 0)
  raises("1 to 32768 bytes", overlay.windows, overlay, 8 * PAGE + 1)
  raises("1 to 32768 bytes", overlay.windows, overlay, 0)
end)

test("what is written is the segment's, or when it is flushed", function()
  local segment, numbers = numbered()
  local shared <close> = small(segment)
  assert(shared:write(80, "f64", 2.5))
  lu.assertEquals(numbers[11], 2.5)
  local copy <close> = small(segment, {mode = "copy"})
  assert(copy:write(80, "f64", 3.5))
  lu.assertEquals({numbers[11], copy:read(80, "f64")}, {2.5, 3.5})
  lu.assertTrue(copy:flush())
  lu.assertEquals(numbers[11], 3.5)
  lu.assertEquals(copy:stats().written, PAGE)
  local part <close> = assert(copy:load(0, 16, "rw"))
  part:write(0, "f64", -1)
  lu.assertTrue(copy:flush(true))
  lu.assertEquals(numbers[1], -1)
end)

test("an array loads what is indexed", function()
  local segment, numbers = numbered()
  local overlay <close> = small(segment)
  local array = overlay:array("f64")
  lu.assertEquals(#array, COUNT)
  for _, i in ipairs {1, COUNT, 7, 5000, 12345} do
    lu.assertEquals(array[i], i)
  end
  array[5000] = 0.25
  lu.assertEquals(numbers[5000], 0.25)
  array:set(5000, 5000)
  lu.assertEquals(array:get(5000), 5000)
  lu.assertEquals({array:sum(), array:min(), array:max(), array:mean()},
                  {COUNT * (COUNT + 1) / 2, 1, COUNT, (COUNT + 1) / 2})
  local odd = overlay:array("f64", 3000, {offset = 8 * 100})
  lu.assertEquals({odd[1], odd[3000]}, {101, 3100})
  lu.assertEquals(odd:sum(), (101 + 3100) * 1500)
  odd:fill(1)
  lu.assertEquals({numbers[100], numbers[101], numbers[3100], numbers[3101]},
                  {100, 1, 1, 3101})
  lu.assertEquals(tostring(odd), ("neap.overlay_array of %s, 3000 f64"):format(
    overlay:address()))
  local bytes = overlay:array("u8", {offset = 3})
  lu.assertEquals(#bytes, COUNT * 8 - 3)
  lu.assertEquals(bytes[COUNT * 8 - 3], segment:map():read(COUNT * 8 - 1, "u8"))
end)

test("arrays that nobody has any more do not keep their frames", function()
  local overlay <close> = small(numbered(), {frames = 2})
  local sum = 0
  for offset = 0, COUNT * 8 - 1, 8000 do -- nothing is closed here
    sum = sum + overlay:load(offset, 8000):array("f64", 1000):sum()
  end
  lu.assertEquals(sum, COUNT * (COUNT + 1) / 2)
  for offset = 0, 5 * PAGE, PAGE do overlay:load(offset, 8):array("f64", 1) end
  lu.assertEquals(overlay:read(30 * PAGE, "f64"), 30 * PAGE // 8 + 1)
  for offset = 0, 5 * PAGE, PAGE do overlay:load(offset, 8):array("f64", 1) end
  lu.assertTrue(overlay:write(30 * PAGE, "f64", 1))
end)

test("a part in use is not replaced", function()
  local overlay = small(numbered(), {frames = 2})
  local one = assert(overlay:load(0, 8))
  local two = assert(overlay:load(20 * PAGE, 8)):array("f64", 1)
  fails("EBUSY", overlay:load(30 * PAGE, 8))
  overlay:close()
  lu.assertEquals({one:read(0, "f64"), two[1]}, {1, 20 * PAGE // 8 + 1})
  raises("closed", overlay.read, overlay, 0, "f64")
end)

test("a file is overlaid in one call", function()
  local path = support.file("numbers", ("x"):rep(10000))
  local overlay <close> = assert(neap.overlay("file:" .. path,
                                              {read_only = true}))
  lu.assertTrue(overlay:read_only())
  lu.assertEquals(overlay:array("u8"):sum(), 10000 * ("x"):byte())
  fails("EACCES", overlay:write(0, "u8", 1))
  fails("EACCES", overlay:load(0, 1, "rw"))
  raises("EACCES" and "read-only", function() overlay:array("u8")[1] = 2 end)
  fails("ENOENT", neap.overlay("file:/no/such/file"))
end)

test("mistakes say what is wrong", function()
  local segment = numbered()
  local overlay <close> = small(segment)
  raises("has 160000 bytes", overlay.read, overlay, COUNT * 8, "f64")
  raises("a frame of the overlay has 8192", overlay.load, overlay, 0, 10000)
  raises("'r' or 'rw'", overlay.load, overlay, 0, 8, "w")
  raises("0 up", overlay.load, overlay, -1, 8)
  local array = overlay:array("f64")
  raises("index 0 is not from 1 to 20000", function() return array[0] end)
  raises("index 20001", function() array[20001] = 1 end)
  raises("elements 1 to 20000 only", function() array.name = 1 end)
  raises("no type 'f61'", overlay.array, overlay, "f61")
  raises("has 20000 f64", overlay.array, overlay, "f64", COUNT + 1)
  raises("no option 'ofset'", overlay.array, overlay, "f64", {ofset = 1})
  raises("'shared' or 'copy'", segment.overlay, segment, {mode = "both"})
  raises("1 to 4096", segment.overlay, segment, {frames = 4097})
  fails("ENOTSUP", assert(neap.segment.create("anonymous:", 1000)):overlay())
end)
