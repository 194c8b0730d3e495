--- Runs the tests of the Lua binding.
--
--     lua tests/lua/run.lua [--list] [--verbose] [--calm|--hostile] [WORDS ...]
--
-- Every tests/lua/test_*.lua is run, or what has one of the WORDS in its file
-- or name; each test in a process of its own with a deadline, twice: once as
-- is, once with a hostile garbage collector (a full collection every few
-- instructions). A test that leaves a child, a descriptor, a segment or a file
-- behind fails. The last line is "N passed, N failed"; the exit status is 1
-- if any failed. NEAP_BUILD names the build to test, "build" by default.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local support = require "support"

local DEADLINE = 60 -- seconds for one test

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines, select(3, pipe:close())
end

local function options()
  local chosen = {modes = {"calm", "hostile"}, words = {}}
  for _, word in ipairs(arg) do
    if word == "--list" or word == "--verbose" then
      chosen[word:sub(3)] = true
    elseif word == "--calm" or word == "--hostile" then
      chosen.modes = {word:sub(3)}
    elseif word:sub(1, 1) == "-" then
      io.stderr:write("usage: lua ", arg[0],
        " [--list] [--verbose] [--calm | --hostile] [WORDS ...]\n")
      os.exit(2)
    else
      chosen.words[#chosen.words + 1] = word
    end
  end
  return chosen
end

local function is_wanted(text, words)
  for _, word in ipairs(words) do
    if text:find(word, 1, true) then return true end
  end
  return #words == 0
end

--- In a process of its own: the test with that number in that file.
local function run_one(file, number, mode)
  print(support.pid())
  io.stdout:flush()
  local test = support.tests_of(file)[tonumber(number)]
  local text = support.run(test, mode == "hostile")
  if text then
    io.stdout:write(text, "\n")
    os.exit(1, true)
  end
  os.exit(0, true)
end

local function run_apart(file, number, mode)
  local command = ("timeout -k 2 %d %s %s --one %s %d %s 2>&1"):format(
    DEADLINE, quoted(arg[-1]), quoted(arg[0]), quoted(file), number, mode)
  local output, code = lines_of(command)
  local pid = tonumber(table.remove(output, 1))
  if pid then support.clean_up(pid) end
  if code == 124 or code == 137 then
    output[#output + 1] = "still running after " .. DEADLINE .. " s: killed"
  end
  return code == 0, output
end

local function report(passed, name, mode, output, verbose)
  print((passed and "ok      " or "FAILED  ") .. name
        .. (mode == "hostile" and " [hostile collector]" or ""))
  if passed and not verbose then return end
  for _, line in ipairs(output) do print("        " .. line) end
end

local function run_all(chosen)
  local counts = {[true] = 0, [false] = 0}
  for _, file in ipairs(lines_of("ls " .. quoted(here) .. "/test_*.lua")) do
    local title = file:match("test_(.-)%.lua$")
    for number, test in ipairs(support.tests_of(file)) do
      local name = title .. ": " .. test.name
      local wanted = is_wanted(name, chosen.words)
      if wanted and chosen.list then print(name) end
      for _, mode in ipairs(wanted and not chosen.list and chosen.modes or {})
      do
        local passed, output = run_apart(file, number, mode)
        counts[passed] = counts[passed] + 1
        report(passed, name, mode, output, chosen.verbose)
        io.stdout:flush()
      end
    end
  end
  if chosen.list then return true end
  print(("%d passed, %d failed"):format(counts[true], counts[false]))
  return counts[false] == 0 and counts[true] > 0
end

if arg[1] == "--one" then
  run_one(arg[2], arg[3], arg[4])
else
  os.exit(run_all(options()))
end
