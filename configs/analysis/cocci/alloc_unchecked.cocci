// SPDX-License-Identifier: GPL-2.0-only
// What an allocation gave is followed, with no other word on it in between: nobody asked whether it is NULL.

@exists@
expression x;
identifier member;
@@
* x = \(kmalloc\|kzalloc\|kcalloc\|kmalloc_array\|kmalloc_node\|kzalloc_node\|kvmalloc\|kvzalloc\|vmalloc\|vzalloc\|kmem_cache_alloc\|kmem_cache_zalloc\|kmem_cache_alloc_node\|kmemdup\|alloc_percpu\)(...)
 ... when != x
* x->member

@exists@
type T;
identifier x;
identifier member;
@@
* T x = \(kmalloc\|kzalloc\|kcalloc\|kmalloc_array\|kmalloc_node\|kzalloc_node\|kvmalloc\|kvzalloc\|vmalloc\|vzalloc\|kmem_cache_alloc\|kmem_cache_zalloc\|kmem_cache_alloc_node\|kmemdup\|alloc_percpu\)(...);
 ... when != x
* x->member
