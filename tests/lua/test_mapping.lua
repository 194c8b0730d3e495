local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local function memory(size)
  local made = assert(neap.segment.create("memfd:raw", size or 4096))
  return assert(made:map()), made
end

test("every type is read as it was written, aligned or not", function()
  local map = memory()
  local values = {
    bool = true, i8 = -128, i16 = -32768, i32 = -2 ^ 31 | 0,
    i64 = math.mininteger, u8 = 255, u16 = 65535, u32 = 2 ^ 32 - 1 | 0,
    u64 = math.maxinteger, f32 = 0.5, f64 = 0.1,
  }
  for kind, value in pairs(values) do
    for _, offset in ipairs {0, 1, 13, 4088} do
      lu.assertTrue(map:write(offset, kind, value))
      lu.assertEquals(map:read(offset, kind), value)
    end
  end
  map:write(3, "c128", 1.5, -2)
  lu.assertEquals({map:read(3, "c128")}, {1.5, -2.0})
end)

test("the bytes are the machine's", function()
  local map = memory()
  map:write(4, "i32", -7)
  lu.assertEquals(map:bytes(4, 4), string.pack("i4", -7))
  map:write_bytes(0, string.pack("d", 0.1))
  lu.assertEquals(map:read(0, "f64"), 0.1)
end)

test("numpy's names for types will do", function()
  local map = memory()
  map:write(0, "f4", 0.5)
  lu.assertEquals(map:read(0, "f32"), 0.5)
  map:write(0, "i8", 1)
  lu.assertEquals(map:bytes(0, 2), "\1\0")
end)

test("reading and writing past the end raise and tell the length", function()
  local map = memory(4096)
  for _, offset in ipairs {4093, 4096, 1 << 40, math.maxinteger} do
    raises("4096", map.read, map, offset, "i32")
    raises("4096", map.write, map, offset, "i32", 1)
  end
  raises("4096", map.write_bytes, map, 4090, "seven bytes")
  raises("4096", map.bytes, map, 4090, 7)
  raises("4096", map.bytes, map, 5000)
  raises("4096", map.bytes, map, 1, math.maxinteger)
  raises("an offset is bytes from 0 up", map.read, map, -1, "i32")
  lu.assertEquals(map:bytes(4096), "")
end)

test("what the type cannot hold raises", function()
  local map = memory()
  raises("300 is out of the range of i8", map.write, map, 0, "i8", 300)
  raises("has a fraction", map.write, map, 0, "i8", 1.5)
  raises("boolean expected", map.write, map, 0, "bool", 1)
  raises("no type 'i99'", map.read, map, 0, "i99")
  raises("string expected", map.read, map, 0)
  raises("number expected", map.read, map, "0", "i8")
  raises("string expected, got number", map.write_bytes, map, 0, 5)
end)

test("a part is mapped, at any offset", function()
  local _, made = memory(20000)
  local part = assert(made:map {offset = 5000, length = 100})
  lu.assertEquals(#part, 100)
  part:write_bytes(0, "here")
  lu.assertEquals(made:map():bytes(5000, 4), "here")
  raises("", part.read, part, 100, "u8")
  lu.assertEquals(#assert(made:map {offset = 19999}), 1)
  raises("20000", made.map, made, {offset = 20000})
  raises("20000", made.map, made, {offset = 10, length = 20000})
  raises("no option 'len'", made.map, made, {len = 5})
  raises("a protection is", made.map, made, "x")
  raises("option 'prot': 'rw', 'r' or 'none'", made.map, made, {prot = "w"})
end)

test("a read-only mapping raises when it is written", function()
  local _, made = memory()
  local map = assert(made:map("r"))
  lu.assertEquals(map:protection(), "r")
  raises("", map.write, map, 0, "i32", 1)
  raises("", map.write_bytes, map, 0, "x")
  lu.assertEquals(map:read(0, "i32"), 0)
  local a = assert(map:array("i32", 4))
  lu.assertFalse(a.writable)
  raises("is read-only", function() a[1] = 1 end)
end)

test("protect changes what may be done", function()
  local map = memory()
  lu.assertTrue(map:protect("r"))
  raises("", map.write, map, 0, "i32", 1)
  lu.assertTrue(map:protect("none"))
  raises("", map.read, map, 0, "i32")
  raises("", map.bytes, map, 0, 4)
  lu.assertTrue(map:protect("rw"))
  map:write(0, "i32", 1)
  raises("a protection is", map.protect, map, "x")
  raises("string expected", map.protect, map)
end)

test("writing is not taken away while an array views the memory", function()
  local map = memory()
  local a = map:array("i32", 4)
  fails("EBUSY", map:protect("r"))
  a:close()
  lu.assertTrue(map:protect("r"))
end)

test("a segment opened read-only is never writable", function()
  local name = support.name("raw")
  local made = assert(neap.segment.create(name, 4096))
  local reader = assert(neap.segment.open(name, {read_only = true}))
  fails("EACCES", reader:map("rw"))
  local map = assert(reader:map("r"))
  fails("EACCES", map:protect("rw"))
  made:unlink()
end)

test("an array views the bytes", function()
  local map = memory()
  local a = assert(map:array("i32", 3, 4, {offset = 64}))
  lu.assertEquals(a.shape, {3, 4})
  a:set(1, 2, 7)
  lu.assertEquals(map:read(68, "i32"), 7)
  map:write(64, "i32", 5)
  lu.assertEquals(a[1][1], 5)
  lu.assertEquals(a:sum(), 12)
  lu.assertEquals(tostring(a), "neap.array i32 3x4")
  raises("", map.array, map, "i32", 2000)
  raises("", map.array, map, "i32", 4, {offset = 2})
  raises("a length is needed", map.array, map, "i32")
  raises("no option 'at'", map.array, map, "i32", 4, {at = 2})
end)

test("an array keeps the memory when the mapping is closed", function()
  local map, made = memory()
  local a = map:array("i32", 4)
  map:close()
  made:close()
  collectgarbage()
  a[2] = 9
  lu.assertEquals(a:totable(), {0, 9, 0, 0})
  raises("mapping 'memfd:raw' is closed", map.read, map, 0, "i8")
end)

test("sync writes a file's pages", function()
  local path = support.path("raw.bin")
  local map = assert(neap.map("file:" .. path, 100))
  map:write_bytes(0, "on disk")
  lu.assertTrue(map:sync())
  lu.assertTrue(map:sync(true))
  lu.assertEquals(support.read(path):sub(1, 7), "on disk")
  lu.assertEquals(#support.read(path), 100)
end)

test("a mapping takes options", function()
  local made = assert(neap.segment.create(support.name("options"), "64K"))
  local map = assert(made:map{prefault = true, huge = "try"})
  lu.assertEquals(map:resident(), 65536)
  lu.assertEquals(map:resident(4095, 2), 8192)
  local mine = assert(made:map{private = true})
  mine:write(0, "i32", 5)
  lu.assertEquals(map:read(0, "i32"), 0)

  lu.assertStrContains(fails("EEXIST", made:map{address = map:address()}),
                       "not free")
  raises("whole one", made.map, made, {huge = "require"})
  raises("'try' or 'require'", made.map, made, {huge = "yes"})
  raises("'try' or 'require'", made.map, made, {huge = true})
  raises("true or false", made.map, made, {private = 1})
  raises("no option 'wide'", made.map, made, {wide = true})

  assert(map:protect("r", 4096, 4096))
  raises("that part", map.write, map, 4096, "u8", 1)
  map:write(0, "u8", 1)
  assert(map:protect("rw"))
  map:write(4096, "u8", 1)
  raises("65536 bytes", map.protect, map, "r", 65536)

  assert(map:advise("random"))
  assert(map:advise("willneed", 4096, 100))
  raises("invalid option", map.advise, map, "often")

  assert(made:punch(4096, "4K"))
  lu.assertEquals(map:read(4096, "u8"), 0)
  raises("65536 bytes", made.punch, made, "64K", 1)
  assert(made:unlink())
end)

test("a private mapping of any kind keeps what is written to itself", function()
  for _, address in ipairs{support.name("private"), support.sysv(),
                           "memfd:x", "anonymous:"} do
    local made = assert(neap.segment.create(address, 10000))
    local map = assert(made:map())
    map:write(9000, "i32", 1)
    local mine = assert(made:map{private = true, offset = 5000})
    lu.assertEquals(mine:read(4000, "i32"), 1)
    mine:write(4000, "i32", 2)
    lu.assertEquals(map:read(9000, "i32"), 1)
    lu.assertEquals(mine:read(4000, "i32"), 2)
    if made:kind() == "sysv" or made:kind() == "anonymous" then
      lu.assertStrContains(fails("ENOTSUP", mine:advise("dontneed")),
                           "the only copy")
    end
    if address ~= "memfd:x" and address ~= "anonymous:" then
      assert(made:unlink())
    end
  end
end)

test("a mapping grows with its segment", function()
  local made = assert(neap.segment.create(support.name("grows"), 4096))
  local map = assert(made:map())
  map:write(0, "i32", 7)
  raises("resize the segment first", map.resize, map, made, "1M")
  assert(made:resize("1M"))
  assert(map:resize(made, nil, {move = true}))
  lu.assertEquals(#map, 1 << 20)
  lu.assertEquals(map:read(0, "i32"), 7)
  map:write((1 << 20) - 4, "i32", 8)

  local array = map:array("i32", 10)
  fails("EBUSY", map:resize(made, 10))
  array:close()
  assert(map:resize(made, 10))
  lu.assertEquals(#map, 10)
  raises("no option", map.resize, map, made, 10, {may = true})
  raises("segment expected", map.resize, map, 10)
  assert(made:unlink())
  made:close()
  raises("closed", map.resize, map, made)
end)

test("pages are placed on nodes of memory", function()
  local made = assert(neap.segment.create("memfd:placed", "64K"))
  local map = assert(made:map{prefault = true})
  local node = neap.nodes()[1].node
  local placed, why, code = map:place("bind", node)
  if code ~= "EPERM" and code ~= "ENOSYS" then
    assert(placed, why)
    assert(map:place("interleave", {node}, 4096, 100))
    lu.assertEquals(map:translate(4096).node, node)
    assert(map:place("default"))
  end
  raises("there is memory on node", map.place, map, "bind", 63)
  raises("0 to 63", map.place, map, "bind", {64})
  raises("0 to 63", map.place, map, "bind", "all")
  raises("is not said", map.place, map, "prefer")
  raises("invalid option", map.place, map, "near", 0)
end)
