local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails
local segment = neap.segment

local addresses = {
  posix = function() return support.name("raw") end,
  sysv = function() return support.sysv(2) end,
  file = function() return "file:" .. support.path("raw.bin") end,
  memfd = function() return "memfd:raw" end,
  anonymous = function() return "anonymous:" end,
}
local has_name = {posix = true, sysv = true, file = true}

--- Run a check over a new segment of each kind (or of those listed).
local function each(kinds, run)
  for kind, address in pairs(addresses) do
    if not kinds or kinds[kind] then
      local made = assert(segment.create(address(), 10000))
      run(made, kind, address())
      if has_name[kind] then assert(made:unlink()) end
      made:close()
    end
  end
end

test("a segment of each kind has its size and zeros", function()
  each(nil, function(made, kind)
    lu.assertEquals(made:kind(), kind)
    lu.assertEquals(made:size(), 10000)
    local map = assert(made:map())
    lu.assertEquals(#map, 10000)
    lu.assertEquals(map:bytes(), ("\0"):rep(10000))
    map:write_bytes(9996, "NEAP")
    lu.assertEquals(map:bytes(9996, 4), "NEAP")
    map:close()
  end)
end)

test("a segment of each kind is shared with children", function()
  each(nil, function(made)
    local map = assert(made:map())
    local process = neap.fork(function() map:write(8, "i32", 77) end)
    lu.assertEquals({process:wait()}, {true})
    lu.assertEquals(map:read(8, "i32"), 77)
    map:close()
  end)
end)

test("a segment with a name is found by it", function()
  each(has_name, function(made, _, address)
    local map = assert(made:map())
    map:write(0, "u16", 513)
    local other = assert(segment.open(address))
    lu.assertEquals(other:size(), 10000)
    lu.assertEquals(other:map("r"):read(0, "u16"), 513)
    fails("EEXIST", segment.create(address, 10000))
    local again, created = assert(segment.open_or_create(address, 10000))
    lu.assertFalse(created)
    again:close()
    assert(segment.open(made:address())):close()
  end)
end)

test("open_or_create creates what is missing, once", function()
  for kind in pairs(has_name) do
    local address = addresses[kind]()
    local results = neap.run(6, function()
      return (select(2, assert(segment.open_or_create(address, 4096))))
    end)
    local creators = 0
    for _, created in ipairs(results) do
      creators = creators + (created and 1 or 0)
    end
    lu.assertEquals(creators, 1, kind)
    assert(neap.unlink(address))
  end
end)

test("what is missing is ENOENT, and unlinked names are gone", function()
  for kind in pairs(has_name) do
    local address = addresses[kind]()
    lu.assertStrContains(fails("ENOENT", segment.open(address)), "")
    fails("ENOENT", neap.unlink(address))
    local made = assert(segment.create(address, 4096))
    assert(neap.unlink(address))
    fails("ENOENT", segment.open(address))
    fails("ENOENT", made:unlink())
  end
end)

test("kinds without a name have nothing to unlink", function()
  for _, address in ipairs {"memfd:raw", "anonymous:"} do
    fails("ENOTSUP", assert(segment.create(address, 4096)):unlink())
  end
end)

test("stat tells owner, mode and size", function()
  each(nil, function(made, kind)
    local stat = made:stat()
    lu.assertEquals(stat.kind, kind)
    lu.assertEquals(stat.size, 10000)
    lu.assertEquals(math.type(stat.allocated), "integer")
    lu.assertEquals(math.type(stat.uid), "integer")
    if has_name[kind] then lu.assertEquals(stat.mode, 384) end
  end)
  local made = assert(segment.create(addresses.posix(), 1, {mode = "0640"}))
  lu.assertEquals(made:stat().mode, 416)
  made:unlink()
end)

test("posix, file and memfd segments change their size", function()
  each(nil, function(made, kind)
    if kind == "sysv" or kind == "anonymous" then
      fails("ENOTSUP", made:resize(20000))
      return
    end
    made:map():write_bytes(0, "kept")
    assert(made:resize("64K"))
    lu.assertEquals(made:size(), 65536)
    local map = made:map()
    lu.assertEquals(map:bytes(0, 4), "kept")
    lu.assertEquals(map:bytes(65532, 4), "\0\0\0\0")
  end)
end)

test("the list has what was made", function()
  local made = {}
  for _, kind in ipairs {"posix", "sysv"} do
    local address = addresses[kind]()
    made[kind] = {address, assert(segment.create(address, 5000))}
  end
  local heap = assert(neap.open(support.name("heap")))
  local found = {}
  for _, item in ipairs(segment.list()) do found[item.address] = item end
  for kind, pair in pairs(made) do
    local item = found[pair[1]] or found["posix:" .. pair[1]]
    lu.assertEquals(item.kind, kind)
    lu.assertEquals(item.size, 5000)
    lu.assertFalse(item.is_heap)
    pair[2]:unlink()
  end
  local item = found[heap:address()] or found["posix:" .. heap:address()]
  lu.assertTrue(item.is_heap)
  heap:unlink()
end)

test("segments that Python made open as they are", function()
  if not os.execute("python3 -c '' 2>/dev/null") then return end
  local name = support.name("python")
  local output = support.shell(([[python3 - <<'END'
from multiprocessing import shared_memory, resource_tracker
s = shared_memory.SharedMemory("%s", create=True, size=100)
s.buf[:5] = b"hello"
resource_tracker.unregister(s._name, "shared_memory")
s.close()
END]]):format(name))
  lu.assertEquals(output, "")
  local made = assert(segment.open(name))
  lu.assertEquals(made:size(), 100)
  lu.assertEquals(made:map("r"):bytes(0, 5), "hello")
  made:unlink()
end)

test("the one-line form opens, makes and maps", function()
  local name = support.name("raw")
  fails("ENOENT", neap.map(name))
  fails("ENOENT", neap.map(name, "r"))
  local map = assert(neap.map(name, "64K"))
  lu.assertEquals(#map, 65536)
  map:write(0, "f64", 0.5)
  local reader = assert(neap.map(name, "r"))
  lu.assertEquals(reader:protection(), "r")
  lu.assertEquals(reader:read(0, "f64"), 0.5)
  raises("", reader.write, reader, 0, "f64", 1)
  raises("a protection is 'rw' or 'r'", neap.map, name, 4096, "x")
  neap.unlink(name)
end)

test("wrong arguments raise", function()
  local name = support.name("raw")
  raises("string expected", segment.create)
  raises("an address is not empty", segment.create, "", 100)
  raises("bytes expected", segment.create, name)
  raises("bytes expected", segment.create, name, -1)
  raises("bytes expected", segment.create, name, "much")
  raises("bytes expected", segment.create, name, 0.5)
  raises(name, segment.create, name, 0)
  raises("no option 'size'", segment.create, name, 100, {size = 1})
  raises("permission bits expected", segment.create, name, 100, {mode = "x"})
  raises("nosuch", segment.create, "nosuch:x", 100)
  raises("sysv", segment.open, "sysv:x")
  raises("anonymous", segment.open, "anonymous:")
  raises("no option 'ro'", segment.open, name, {ro = true})
  fails("ENOENT", segment.open("file:/no/such/directory/file"))
  fails("ENOENT", segment.create("file:/no/such/directory/file", 100))
end)

test("a System V key is a number, or stands for a file", function()
  local key = assert(neap.ftok(arg[0], 9))
  lu.assertEquals(math.type(key), "integer")
  local made = assert(segment.create(key, 4096))
  local id = made:stat().id
  lu.assertEquals(assert(segment.open(key)):stat().id, id)
  local map = assert(made:map())
  lu.assertEquals(made:stat().attached, 1)
  lu.assertFalse(made:stat().removed)
  assert(neap.unlink(key))
  lu.assertTrue(made:stat().removed)
  map:write(0, "i32", 3)
  map:close()
  fails("EIDRM", made:stat())
  lu.assertStrContains(fails("ENOENT", neap.ftok("/no/such/file", 1)),
                       "create it first")
  raises("1 to 255", neap.ftok, arg[0], 0)
  raises("1 to 255", neap.ftok, arg[0], 256)
  raises("string expected", neap.ftok)
  raises("integer", segment.open, 0.5)
end)

test("a segment takes another mode and owner", function()
  each({posix = true, sysv = true, file = true, memfd = true}, function(made)
    assert(made:set_mode("0640"))
    lu.assertEquals(made:stat().mode, 416)
    raises("permission bits", made.set_mode, made, "x")
    assert(made:set_owner(nil, made:stat().gid))
    assert(made:set_owner(made:stat().uid))
    raises("a user or a group", made.set_owner, made, -1)
  end)
  local made = assert(segment.create("anonymous:", 1))
  fails("ENOTSUP", made:set_mode("0600"))
end)

test("a sealed segment passes to who takes it, and is only read", function()
  local path = support.path("here")
  local taker = neap.fork(function()
    local taken = assert(segment.take(path, 20))
    assert(taken:seals().write)
    local map = assert(taken:map("r"))
    assert(map:bytes(0, 5) == "hello")
    assert(select(3, taken:map()) == "EACCES")
  end)
  local made = assert(segment.create("memfd:news", 4096))
  local map = assert(made:map())
  map:write_bytes(0, "hello")
  fails("EBUSY", made:seal("write"))
  map:close()
  assert(made:seal("write", "shrink", "grow"))
  lu.assertEquals(made:seals(), {write = true, shrink = true, grow = true})
  lu.assertTrue(made:give(path, 20))
  lu.assertTrue(taker:wait())

  lu.assertEquals({made:give(path, 0)}, {false, "timeout"})
  fails("ETIMEDOUT", segment.take(path, 0))
  raises("a seal is", made.seal, made, "wax")
  raises("string expected", made.seal, made)
  fails("ENOTSUP", assert(segment.create("anonymous:", 1)):give(path, 0))
end)

test("a segment is in huge pages if there are some, or says why not", function()
  for _, address in ipairs{"memfd:x", "anonymous:", support.sysv()} do
    local made = assert(segment.create(address, "3M",
                                       {huge = "try", huge_page = "2M"}))
    local stat = made:stat()
    lu.assertEquals(stat.size, stat.page > 4096 and 4 << 20 or 3 << 20)
    if made:kind() == "sysv" then assert(made:unlink()) end

    if made:kind() ~= "sysv" then -- of which only some may have them
      lu.assertStrContains(
        fails("ENOMEM", segment.create(address, "512G", {huge = "require"})),
        "nr_hugepages")
    end
    raises("power of two", segment.create, address, 1,
           {huge = "try", huge_page = 5000})
    raises("tried or required", segment.create, address, 1, {huge_page = "2M"})
    raises("'try' or 'require'", segment.create, address, 1, {huge = true})
    raises("machine has them of", segment.create, address, 1,
           {huge = "require", huge_page = 8192})
  end
  lu.assertStrContains(
    fails("ENOTSUP", segment.create(support.name("huge"), 1, {huge = "require"})),
    "memfd, sysv and anonymous")
end)

test("pools of huge pages are listed", function()
  for _, pool in ipairs(neap.huge_pages()) do
    lu.assertTrue(pool.page > 4096)
    lu.assertTrue(pool.free <= pool.total)
  end
end)
