// SPDX-License-Identifier: GPL-2.0-only
// An allocation with GFP_KERNEL, or another call that sleeps for certain, where sleeping is not allowed.

@spin exists@
expression L;
@@
(
* spin_lock(L);
|
* spin_lock_irq(L);
|
* spin_lock_bh(L);
|
* spin_lock_irqsave(L, ...);
)
 ... when != spin_unlock(L)
     when != spin_unlock_irq(L)
     when != spin_unlock_bh(L)
     when != spin_unlock_irqrestore(L, ...)
(
* GFP_KERNEL
|
* mutex_lock(...)
|
* synchronize_rcu()
|
* cond_resched()
|
* msleep(...)
)

@rcu exists@
@@
* rcu_read_lock();
 ... when != rcu_read_unlock()
(
* GFP_KERNEL
|
* mutex_lock(...)
|
* synchronize_rcu()
|
* msleep(...)
)
