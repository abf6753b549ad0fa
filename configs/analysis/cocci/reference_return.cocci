// SPDX-License-Identifier: GPL-2.0-only
// A reference is taken, and an early return leaves the function with it, though on another path from the same
// place it is put. Returns below an if only; one that gives the object to its caller is none.

@got exists@
position p;
expression x;
@@
(
css_get@p(x);
|
mem_cgroup_get@p(x);
|
get_page@p(x);
|
folio_get@p(x);
|
get_task_struct@p(x);
|
mmget@p(x);
|
ihold@p(x);
|
dget@p(x);
|
get_file@p(x);
)
 ... when any
(
css_put(x);
|
mem_cgroup_put(x);
|
put_page(x);
|
folio_put(x);
|
put_task_struct(x);
|
mmput(x);
|
iput(x);
|
dput(x);
|
fput(x);
)

@given exists@
expression got.x;
position r;
@@
 return@r x;

@exists@
position got.p;
expression got.x;
position r != given.r;
@@
(
* css_get@p(x);
|
* mem_cgroup_get@p(x);
|
* get_page@p(x);
|
* folio_get@p(x);
|
* get_task_struct@p(x);
|
* mmget@p(x);
|
* ihold@p(x);
|
* dget@p(x);
|
* get_file@p(x);
)
 ... when != css_put(x)
     when != mem_cgroup_put(x)
     when != put_page(x)
     when != folio_put(x)
     when != put_task_struct(x)
     when != mmput(x)
     when != iput(x)
     when != dput(x)
     when != fput(x)
     when != x = ...
 if (...) {
 ... when != css_put(x)
     when != mem_cgroup_put(x)
     when != put_page(x)
     when != folio_put(x)
     when != put_task_struct(x)
     when != mmput(x)
     when != iput(x)
     when != dput(x)
     when != fput(x)
     when != x = ...
* return@r ...;
 }
