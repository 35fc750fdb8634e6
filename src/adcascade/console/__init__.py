"""The console: pages for people, made on the server from typed views, in the process that serves ads.

A page is one file below `pages/`, and says its routes, who may see it, and its templates (docs/console.md).
"""
