--- Address spaces made visible.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, fails = support.test, support.fails

test("what is mapped is told with its kind", function()
  local map = assert(neap.map("anonymous:", 40960))
  map:write(5000, "u8", 1)
  local page = assert(map:translate(5000))
  lu.assertEquals({page.offset, page.present, page.swapped}, {904, true, false})
  lu.assertEquals({page.map.kind, page.map.size, page.map.protection},
                  {"anonymous", 40960, "rw-"})
  lu.assertEquals(page.sharers, {support.pid()})
  local address = page.map.address
  for _, item in ipairs(assert(neap.maps())) do
    if item.address == address then
      lu.assertEquals({item.shared, item.resident >= 4096}, {true, true})
      address = nil
    end
  end
  lu.assertNil(address)
end)

test("who shares a page is found", function()
  local map = assert(neap.map("anonymous:", 4096))
  local go = neap.heap():event("go")
  local child = neap.fork(function() map:write(0, "u8", 1); go:set(); neap.heap():event("never"):wait() end)
  lu.assertTrue(go:wait(20))
  lu.assertEquals(#map:translate().sharers, 2)
  local there = assert(neap.translate(map:translate().map.address, child.pid))
  lu.assertTrue(there.present)
  support.kill(child)
end)

test("what is not there is an error", function()
  fails("EFAULT", neap.translate(0))
  fails("ESRCH", neap.maps(4194304))
  lu.assertErrorMsgContains("number of a process", neap.maps, -1)
  local map = assert(neap.map("anonymous:", 4096))
  lu.assertErrorMsgContains("past the end", map.translate, map, 4096)
end)
