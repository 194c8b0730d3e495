local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local kinds = {
  posix = function() return support.name("sky") end,
  file = function() return "file:" .. support.path("sky.neap") end,
  sysv = function() return support.sysv(1) end,
}

test("a heap of each kind is made, found again, and taken away", function()
  for kind, address in pairs(kinds) do
    local heap, created = assert(neap.open(address(), {size = "4M"}))
    lu.assertTrue(created)
    lu.assertEquals(heap:info().kind, kind)
    heap:counter("hits"):add(7)
    local again, new = assert(neap.open(heap:address()))
    lu.assertFalse(new)
    lu.assertEquals(again:counter("hits"):get(), 7)
    lu.assertTrue(again == heap)
    lu.assertEquals(neap.fork(function()
      return neap.open(address()):counter("hits"):add(1)
    end):wait(), true)
    lu.assertEquals(heap:counter("hits"):get(), 8)
    lu.assertTrue(heap:check().ok)
    lu.assertTrue(heap:unlink())
    fails("ENOENT", neap.open(address(), {create = false}))
  end
end)

test("create says what may be there", function()
  local name = support.name("sky")
  fails("ENOENT", neap.open(name, {create = false}))
  fails("ENOENT", neap.open(name, {read_only = true}))
  local heap = assert(neap.open(name, {create = "new"}))
  fails("EEXIST", neap.open(name, {create = "new"}))
  assert(neap.open(name, {create = false}))
  assert(neap.open(name, {create = true}))
  assert(neap.unlink(name))
  fails("ENOENT", neap.unlink(name))
  fails("ENOENT", heap:unlink())
end)

test("an anonymous heap has no name and is shared with children", function()
  local heap, created = neap.heap()
  lu.assertTrue(created)
  lu.assertFalse(heap == neap.heap())
  neap.run(2, function() heap:counter("hits"):add() end)
  lu.assertEquals(heap:counter("hits"):get(), 2)
  fails("ENOTSUP", heap:unlink())
end)

test("of many that open at once one creates", function()
  local name = support.name("sky")
  local results = neap.run(8, function()
    local heap, created = assert(neap.open(name))
    heap:counter("openers"):add()
    return created
  end)
  local creators = 0
  for _, created in ipairs(results) do
    creators = creators + (created and 1 or 0)
  end
  lu.assertEquals(creators, 1)
  local heap = neap.open(name)
  lu.assertEquals(heap:counter("openers"):get(), 8)
  heap:unlink()
end)

test("an ephemeral heap goes with its last user", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name, {ephemeral = true}))
  lu.assertTrue(heap:info().ephemeral)
  heap:counter("hits"):add()
  heap:close()
  collectgarbage()
  collectgarbage()
  fails("ENOENT", neap.open(name, {create = false}))
end)

test("the mode is what was asked for", function()
  for _, mode in ipairs {"0640", 384} do
    local heap = assert(neap.open(support.name("sky"), {mode = mode}))
    lu.assertEquals(heap:info().mode, mode == 384 and 384 or 416)
    heap:unlink()
  end
end)

test("wrong options raise and name what there is", function()
  local name = support.name("sky")
  local function open(options) return neap.open, name, options end
  raises("no option 'creat'; there are create read_only", open {creat = true})
  raises("option 'create': true, false or 'new'", open {create = "maybe"})
  raises("option 'read_only': true or false", open {read_only = 1})
  raises("permission bits expected, such as '0600'", open {mode = 600})
  raises("permission bits expected, such as '0600'", open {mode = "rw"})
  raises("permission bits expected, such as '0600'", open {mode = "0999"})
  raises("option 'size': bytes expected", open {size = "12Q"})
  raises("option 'size': bytes expected", open {size = -1})
  raises("option 'size': bytes expected", open {size = 1.5})
  raises("option 'reserve': bytes expected", open {reserve = {}})
  raises("option 'slots': 1 to 4095 expected", open {slots = 5000})
  raises("table expected, got string", open "new")
  fails("ENOENT", neap.open(name, {create = false}))
end)

test("wrong addresses raise and say what one is", function()
  raises("string expected", neap.open)
  raises("string expected, got table", neap.open, {})
  raises("an address is not empty", neap.open, "")
  raises("has a zero byte in it", neap.open, "a\0b")
  raises("a/b", neap.open, "a/b")
  raises("nosuch", neap.open, "nosuch:sky")
  raises("sysv", neap.open, "sysv:abc")
  fails("ENAMETOOLONG", neap.open(("x"):rep(300)))
end)

test("info tells the facts", function()
  local heap = neap.heap {reserve = "1G", slots = 7}
  heap:counter("hits")
  local info = heap:info()
  lu.assertEquals(info.kind, "memfd")
  lu.assertEquals(info.objects, 1)
  lu.assertEquals(info.slots, 7)
  lu.assertEquals(info.reserved, 1 << 30)
  lu.assertFalse(info.read_only)
  lu.assertFalse(info.ephemeral)
  lu.assertEquals(#info.uuid, 36)
  lu.assertTrue(info.used > 0 and info.used <= info.size)
  lu.assertTrue(info.created > 1600000000)
  lu.assertEquals(info.deaths, 0)
end)

test("an empty heap touches less than 256 KiB", function()
  lu.assertTrue(neap.heap():info().size < 256 * 1024)
end)

test("the list is sorted and tells what there is", function()
  local heap = neap.heap()
  heap:mutex("m"):lock()
  heap:counter("c"):add(5)
  heap:counter("d", {kind = "double"}):add(0.5)
  heap:array("a", "i16", 2, 3)
  heap:semaphore("s", 4, {undo = true})
  local list, names = heap:list(), {}
  for i, item in ipairs(list) do
    names[i] = item.name .. " " .. item.kind
    lu.assertEquals(heap:find(item.name), item)
    item.id = nil
  end
  lu.assertEquals(names, {"a array", "c counter", "d counter", "m mutex",
                          "s semaphore"})
  lu.assertEquals(list[1], {name = "a", kind = "array", type = "i16",
                            shape = {2, 3}, bytes = 12})
  lu.assertEquals(list[2], {name = "c", kind = "counter", variant = "plain",
                            value = 5})
  lu.assertEquals(list[3], {name = "d", kind = "counter", variant = "double",
                            value = 0.5})
  lu.assertEquals(list[4], {name = "m", kind = "mutex", variant = "plain",
                            holder = support.pid()})
  lu.assertEquals(list[5], {name = "s", kind = "semaphore", variant = "undo",
                            value = 4})
  heap:mutex("m"):unlock()
end)

test("a list of a thousand names is whole", function()
  local heap = neap.heap()
  for i = 1, 1000 do heap:counter(("c%04d"):format(i)):set(i) end
  local list = heap:list()
  lu.assertEquals(#list, 1000)
  lu.assertEquals(list[1000].name, "c1000")
  lu.assertEquals(list[77].value, 77)
  for i = 1, 1000, 2 do assert(heap:drop(("c%04d"):format(i))) end
  lu.assertEquals(#heap:list(), 500)
  lu.assertTrue(heap:check().ok)
end)

test("object opens whatever is behind a name", function()
  local heap = neap.heap()
  heap:counter("c")
  heap:array("a", "i16", 2)
  heap:mutex("m")
  heap:semaphore("s", 4)
  lu.assertEquals(tostring(heap:object("c")), "neap.counter 'c'")
  lu.assertEquals(heap:object("a").type, "i16")
  lu.assertTrue(heap:object("m"):lock())
  heap:object("m"):unlock()
  lu.assertEquals(heap:object("s"):get(), 4)
  fails("ENOENT", heap:object("x"))
  fails("ENOENT", heap:find("x"))
  fails("ENOENT", heap:drop("x"))
end)

test("a name can be used again after a drop, for anything", function()
  local heap = neap.heap()
  heap:counter("x"):add(5)
  assert(heap:drop("x"))
  local _, created = heap:array("x", "u8", 10)
  lu.assertTrue(created)
  lu.assertTrue(heap:check().ok)
end)

test("wrong names raise", function()
  local heap = neap.heap()
  local long = ("x"):rep(201)
  for _, method in ipairs {"counter", "mutex", "find", "drop", "object"} do
    raises("200 bytes", heap[method], heap, long)
    raises("name", heap[method], heap, "")
    raises("has a zero byte in it", heap[method], heap, "a\0b")
    raises("string expected", heap[method], heap)
    raises("string expected, got number", heap[method], heap, 5)
  end
  lu.assertStrContains(raises("UTF-8", heap.counter, heap, "\xff\xfe"), "")
  heap:counter(("x"):rep(200))
  heap:counter("größe")
  lu.assertEquals(#heap:list(), 2)
end)

test("slots tell who is attached", function()
  local heap = neap.heap()
  local lock = heap:mutex("lock")
  lock:lock()
  local slots = heap:slots()
  lu.assertEquals(#slots, 1)
  lu.assertEquals(slots[1].pid, support.pid())
  lu.assertEquals(slots[1].held, 1)
  lu.assertFalse(slots[1].dead)
  lock:unlock()
end)

test("reap finishes the dead at once and counts them", function()
  local heap = neap.heap()
  local lock = heap:mutex("lock")
  local process = neap.fork(function()
    lock:lock()
    while true do lock:mine() end
  end)
  support.eventually(function() return lock:holder() == process.pid end)
  process:kill("SIGKILL")
  process:wait()
  lu.assertEquals(heap:reap(), 1)
  lu.assertEquals(heap:reap(), 0)
  lu.assertEquals(heap:info().deaths, 1)
  lu.assertEquals({lock:lock()}, {true, "abandoned"})
  lock:unlock()
end)

test("a heap with one slot serves one process at a time", function()
  local heap = neap.heap {slots = 1}
  local lock = heap:mutex("lock")
  lock:lock()
  local process = neap.fork(function()
    local ok, text, code = lock:lock(0.2)
    return {tostring(ok), text, code}
  end)
  local answer = select(2, process:wait())
  lu.assertEquals(answer[3], "ESLOTS")
  lu.assertStrContains(answer[2], "slot")
  lock:unlock()
end)

test("a reader writes nothing and takes no slot", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:counter("hits"):add(3)
  heap:mutex("lock")
  heap:semaphore("slots", 1)
  local reader = assert(neap.open(name, {read_only = true}))
  lu.assertTrue(reader:info().read_only)
  local before = #reader:slots()
  lu.assertEquals(reader:counter("hits"):get(), 3)
  fails("EACCES", reader:counter("hits"):add(1))
  fails("EACCES", reader:counter("hits"):set(1))
  lu.assertNil((reader:counter("new")))
  lu.assertNil((reader:array("new", "f64", 3)))
  fails("EACCES", reader:mutex("lock"):lock())
  fails("EACCES", reader:semaphore("slots"):acquire())
  fails("EACCES", reader:drop("hits"))
  lu.assertEquals(#reader:list(), 3)
  lu.assertEquals(#reader:slots(), before)
  heap:unlink()
end)

test("what was opened stays usable when the heap's handle is closed", function()
  local heap = neap.heap()
  local hits, list = heap:counter("hits"), heap:array("list", "f64", 3)
  heap:close()
  lu.assertEquals(hits:add(2), 2)
  list[1] = 5
  lu.assertEquals(list:sum(), 5.0)
end)

test("sync writes a file heap to disk", function()
  local heap = assert(neap.open("file:" .. support.path("sky.neap")))
  heap:counter("hits"):add()
  lu.assertTrue(heap:sync())
  heap:unlink()
end)
