/* SPDX-License-Identifier: GPL-2.0-only */
/* Every line marked "finds: RULE" must be found, and nothing else in this file. */

int forgets_on_early_return(struct box *b, int mode)
{
	if (b->off)
		return 0;
	if (!(mode & 4)) {
		rcu_read_lock();
		if (peek(b) && !is_old(b))
			return 0; /* finds: lock-imbalance */
		rcu_read_unlock();
	}
	return fill(b, mode);
}

int jumps_too_far(struct box *b)
{
	int err = -ENOMEM;

	mutex_lock(&b->mutex);
	b->room = grow(b);
	if (!b->room)
		goto out;
	err = 0;
	mutex_unlock(&b->mutex);
out:
	return err; /* finds: lock-imbalance */
}

void forgets_in_a_loop(struct box *b, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		spin_lock(&b->lock);
		if (b->full)
			break;
		spin_unlock(&b->lock);
	}
} /* finds: lock-imbalance */

int keeps_it_off(struct box *b)
{
	preempt_disable();
	b->count++;
	return 0; /* finds: lock-kept */
}

void takes_it_again(struct box *b, int more)
{
	spin_lock(&b->lock);
	if (more)
		spin_lock(&b->lock); /* finds: lock-twice */
	b->count++;
	spin_unlock(&b->lock);
	if (more)
		spin_unlock(&b->lock);
}

void releases_it_twice(struct box *b)
{
	spin_lock(&b->lock);
	b->count++;
	spin_unlock(&b->lock);
	note(b);
	spin_unlock(&b->lock); /* finds: lock-not-held */
}

void *sleeps_under_a_spinlock(struct box *b)
{
	void *p;

	spin_lock(&b->lock);
	p = kmalloc(8, GFP_KERNEL); /* finds: sleep-in-atomic */
	spin_unlock(&b->lock);
	return p;
}

void sleeps_in_a_read_section(struct box *b)
{
	rcu_read_lock();
	if (peek(b))
		mutex_lock(&b->mutex); /* finds: sleep-in-atomic */
	else
		mutex_lock(&b->mutex);
	mutex_unlock(&b->mutex);
	rcu_read_unlock();
}

int keeps_a_reference(struct box *b, int index)
{
	struct page *page = find_get_page(b, index);

	if (!page)
		return 0;
	if (PageError(page))
		return -EIO; /* finds: reference-leak */
	put_page(page);
	return 0;
}

int keeps_a_charge(struct page *page, struct mm_struct *mm)
{
	int err = mem_cgroup_charge(page, mm, GFP_KERNEL);

	if (err)
		return err;
	if (PageAnon(page))
		return -EINVAL; /* finds: charge-leak */
	if (PageError(page)) {
		mem_cgroup_uncharge_page(page);
		return -EIO;
	}
	return 0;
}

int tries_for_ever(struct box *b)
{
again:
	if (is_busy(b))
		goto again; /* finds: unbounded-retry */
	return 0;
}

/* A loop that waits for what it asks for ends. */
int waits_and_keeps_it(struct box *b, struct page *page)
{
	mutex_lock(&b->pages);
	while (PageLocked(page))
		cpu_relax();
	if (b->off)
		return 0; /* finds: lock-imbalance */
	mutex_unlock(&b->pages);
	return 0;
}

/* What a loop asks for may be otherwise behind it. */
void asks_in_a_loop(struct box *b)
{
	if (b->busy)
		mutex_lock(&b->files);
	while (b->busy)
		cpu_relax();
	if (b->busy)
		mutex_unlock(&b->files);
} /* finds: lock-imbalance */

/* That another function takes and releases the same excuses nothing. */
void takes_both(struct box *b)
{
	mutex_lock(&b->outer);
	mutex_lock(&b->inner);
	b->count++;
	mutex_unlock(&b->inner);
} /* finds: lock-kept */

void releases_both(struct box *b)
{
	mutex_lock(&b->outer);
	mutex_lock(&b->inner);
	b->count--;
	mutex_unlock(&b->inner);
	mutex_unlock(&b->outer);
}

void keeps_them_off(struct box *b)
{
	unsigned long flags;

	local_irq_save(flags);
	b->count++;
} /* finds: lock-kept */

void faults_alone(struct mm_struct *mm)
{
	mmap_read_lock(mm);
	peek_at(current);
} /* finds: lock-kept */

/* A step of an iterator: the caller may have to know, or not. */
struct item *steps_on(struct box *b, struct item *last)
{
	if (last) {
		if (last->more)
			return last->more;
		rcu_read_unlock_bh();
	}
	while (b->left--) {
		rcu_read_lock_bh();
		if (b->first)
			return b->first;
		rcu_read_unlock_bh();
	}
	return NULL; /* finds: lock-release-uneven */
}
