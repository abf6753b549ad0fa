/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing in this file may be found as an error or a warning. */

void agrees_with_itself(struct box *b, int locked)
{
	if (locked)
		spin_lock(&b->lock);
	b->count++;
	if (locked)
		spin_unlock(&b->lock);
}

void agrees_with_the_configuration(struct box *b)
{
#ifdef CONFIG_BOX
	spin_lock(&b->lock);
#endif
	b->count++;
#ifdef CONFIG_BOX
	spin_unlock(&b->lock);
#endif
}

int tries(struct box *b)
{
	if (!spin_trylock(&b->lock))
		return -EAGAIN;
	b->count++;
	spin_unlock(&b->lock);
	return 0;
}

int tries_later(struct box *b)
{
	int taken = mutex_trylock(&b->mutex);

	b->count++;
	if (taken)
		mutex_unlock(&b->mutex);
	return taken;
}

int may_be_interrupted(struct box *b)
{
	int err = mutex_lock_interruptible(&b->mutex);

	if (err)
		return err;
	b->count++;
	mutex_unlock(&b->mutex);
	return 0;
}

void lock_box(struct box *b)
{
	spin_lock(&b->lock);
}

struct box *on_success(struct box *b) __acquires(b)
{
	spin_lock(&b->lock);
	if (b->count)
		return b;
	spin_unlock(&b->lock);
	return NULL;
}

int drops_and_retakes(struct box *b)
{
	spin_unlock(&b->lock);
	wait_a_while(b);
	spin_lock(&b->lock);
	return 0;
}

void follows_a_chosen_lock(struct box *b, struct box *last)
{
	struct box *held = NULL;

	while (b != last) {
		if (held != b) {
			if (held)
				spin_unlock(&held->lock);
			held = b;
			spin_lock(&held->lock);
		}
		b = next_of(b);
	}
	if (held)
		spin_unlock(&held->lock);
}

void *asks_without_sleeping(struct box *b)
{
	void *p;

	spin_lock(&b->lock);
	p = kmalloc(8, GFP_ATOMIC);
	spin_unlock(&b->lock);
	return p ? p : kmalloc(8, GFP_KERNEL);
}

int hands_the_reference_on(struct box *b, int index)
{
	struct page *page = find_get_page(b, index);

	if (!page)
		return -ENOENT;
	if (PageError(page)) {
		put_page(page);
		return -EIO;
	}
	b->page = page;
	return 0;
}

int undoes_the_charge(struct page *page, struct mm_struct *mm)
{
	int err = mem_cgroup_charge(page, mm, GFP_KERNEL);

	if (err)
		goto out;
	err = -EINVAL;
	if (PageAnon(page))
		goto uncharge;
	return 0;
uncharge:
	mem_cgroup_uncharge_page(page);
out:
	return err;
}

int counts_its_tries(struct box *b, int left)
{
again:
	if (is_busy(b) && left-- > 0)
		goto again;
	return 0;
}

void never_comes_back(struct box *b)
{
	spin_lock(&b->lock);
	if (b->broken)
		panic("box");
	BUG_ON(b->count < 0);
	spin_unlock(&b->lock);
}

int chooses(struct box *b, int how)
{
	int err = 0;

	switch (how) {
	case 1:
		mutex_lock(&b->mutex);
		break;
	case 2:
		return -EINVAL;
	default:
		mutex_lock(&b->mutex);
		err = how;
	}
	mutex_unlock(&b->mutex);
	return err;
}

/* The fault handler may have let the mmap lock go; it is taken again for the caller. */
int faults_in(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address)
{
	int ret = handle_mm_fault(vma, address, 0, NULL);

	if (ret & VM_FAULT_COMPLETED) {
		mmap_read_lock(mm);
		return 0;
	}
	return ret ? -EFAULT : 0;
}

/* What a loop does not ask for is the same behind it. */
void takes_it_where_it_has_to(struct box *b)
{
	struct item *item;

	if (b->nr_files)
		mutex_lock(&b->files);
	list_for_each_entry(item, &b->items, list) {
		if (item->old)
			drop_item(item);
	}
	if (b->nr_files)
		mutex_unlock(&b->files);
}

/* Its counterpart releases it. */
void *map_box(struct box *b)
{
	pagefault_disable();
	return b->room;
}

void unmap_box(struct box *b)
{
	pagefault_enable();
}

/* Interrupts are off or on: the second spin_lock_irq leaves nothing to be undone. */
void sleeps_between(struct box *b)
{
	unsigned long flags;

	spin_lock_irqsave(&b->queue, flags);
	add_item(b);
	spin_unlock(&b->queue);
	schedule();
	spin_lock_irq(&b->queue);
	del_item(b);
	spin_unlock_irqrestore(&b->queue, flags);
}

/* A handler may have let interrupts in; the caller has them off. */
int calls_a_handler(struct box *b)
{
	int ret = b->handler(b);

	if (WARN_ONCE(!irqs_disabled(), "box"))
		local_irq_disable();
	return ret;
}

void puts_them_back(struct box *b)
{
	unsigned long flags;

	local_save_flags(flags);
	while (b->state < 3) {
		if (b->state == 2)
			local_irq_disable();
		wait_a_little(b);
	}
	local_irq_restore(flags);
}

/* Who is given the flags may restore them. */
void queues(struct box *b, struct item *item)
{
	unsigned long flags;

	local_irq_save(flags);
	if (bypass(b, item, flags))
		return;
	add_item(b);
	local_irq_restore(flags);
}

void traces(struct box *b)
{
	int resched = need_resched();

	preempt_disable_notrace();
	b->count++;
	if (resched)
		preempt_enable_no_resched_notrace();
	else
		preempt_enable_notrace();
}

/* The last thing that a task does. */
void do_exit(long code)
{
	preempt_disable();
	set_current_state(TASK_DEAD);
	schedule();
	BUG();
}
