"""The books in Redis: rules as Lua scripts, which Redis carries out one after the other, each whole or not at all."""
