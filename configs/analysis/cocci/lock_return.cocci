// SPDX-License-Identifier: GPL-2.0-only
// A lock or an RCU section is begun, and an early return leaves the function with it, though on another path
// from the same place it is ended. Only returns below an if: the last return of a function that unlocks
// under a condition (if (locked) unlock) is reached with the lock on no real path.

@rcu exists@
position p;
@@
rcu_read_lock@p();
 ... when any
rcu_read_unlock();

@exists@
position rcu.p;
@@
* rcu_read_lock@p();
 ... when != rcu_read_unlock()
 if (...) {
 ... when != rcu_read_unlock()
* return ...;
 }

@locked exists@
position p;
expression L;
@@
(
spin_lock@p(L);
|
spin_lock_irq@p(L);
|
spin_lock_bh@p(L);
|
spin_lock_irqsave@p(L, ...);
|
mutex_lock@p(L);
|
down_read@p(L);
|
down_write@p(L);
|
read_lock@p(L);
|
write_lock@p(L);
)
 ... when any
(
spin_unlock(L);
|
spin_unlock_irq(L);
|
spin_unlock_bh(L);
|
spin_unlock_irqrestore(L, ...);
|
mutex_unlock(L);
|
up_read(L);
|
up_write(L);
|
read_unlock(L);
|
write_unlock(L);
)

@exists@
position locked.p;
expression locked.L;
@@
(
* spin_lock@p(L);
|
* spin_lock_irq@p(L);
|
* spin_lock_bh@p(L);
|
* spin_lock_irqsave@p(L, ...);
|
* mutex_lock@p(L);
|
* down_read@p(L);
|
* down_write@p(L);
|
* read_lock@p(L);
|
* write_lock@p(L);
)
 ... when != spin_unlock(L)
     when != spin_unlock_irq(L)
     when != spin_unlock_bh(L)
     when != spin_unlock_irqrestore(L, ...)
     when != mutex_unlock(L)
     when != up_read(L)
     when != up_write(L)
     when != read_unlock(L)
     when != write_unlock(L)
 if (...) {
 ... when != spin_unlock(L)
     when != spin_unlock_irq(L)
     when != spin_unlock_bh(L)
     when != spin_unlock_irqrestore(L, ...)
     when != mutex_unlock(L)
     when != up_read(L)
     when != up_write(L)
     when != read_unlock(L)
     when != write_unlock(L)
* return ...;
 }
