// SPDX-License-Identifier: GPL-2.0-only
// Memory is followed, or freed again, after it was freed and before the pointer was given another value.

@exists@
local idexpression x;
expression value;
identifier member;
iterator loop;
statement S;
@@
  \(kfree\|kvfree\|vfree\)(x);
 ...
(
 loop(...,x,...) S
|
 x = value
|
 &x
|
* x->member
|
* \(kfree\|kvfree\|vfree\)(x)
)

@exists@
local idexpression x;
expression cache, value;
identifier member;
iterator loop;
statement S;
@@
  kmem_cache_free(cache, x);
 ...
(
 loop(...,x,...) S
|
 x = value
|
 &x
|
* x->member
|
* kmem_cache_free(cache, x)
)
