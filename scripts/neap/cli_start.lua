--- Where the command `neap` begins: bin/neap calls this with the places of
-- the Lua modules and of the C modules, and the command line.

local modules, libraries = ...

package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(modules, modules,
                                                    package.path)
package.cpath = libraries .. "/?.so;" .. package.cpath

os.exit(require "neap.cli".main(table.pack(select(3, ...))), true)
