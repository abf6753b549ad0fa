// SPDX-License-Identifier: GPL-2.0-only
void early_exit(struct page_cgroup *pc)
{
	rcu_read_lock();
	if (unlikely(!pc) || PcgObsolete(pc))
		goto out;
	SetPcgObsolete(pc); /* finds: check-then-set */
	give_back(pc);
out:
	rcu_read_unlock();
}

void nested(struct thing *thing)
{
	if (!test_bit(BUSY, &thing->flags)) {
		set_bit(BUSY, &thing->flags); /* finds: check-then-set */
		start(thing);
	}
}

void folio(struct folio *folio)
{
	if (folio_test_private(folio))
		return;
	prepare(folio);
	folio_set_private(folio); /* finds: check-then-set */
}

void unlocked_again(struct thing *thing)
{
	spin_lock(&thing->lock);
	count(thing);
	spin_unlock(&thing->lock);
	if (!test_bit(BUSY, &thing->flags)) {
		set_bit(BUSY, &thing->flags); /* finds: check-then-set */
		start(thing);
	}
}

void quiet_locked(struct thing *thing)
{
	spin_lock(&thing->lock);
	if (!thing->ready) {
		spin_unlock(&thing->lock);
		return;
	}
	if (!test_bit(BUSY, &thing->flags)) {
		set_bit(BUSY, &thing->flags);
		start(thing);
	}
	spin_unlock(&thing->lock);
}

void quiet_promised(struct page *page)
{
	VM_BUG_ON(!PageLocked(page));
	if (PageDirty(page))
		return;
	count(page);
	SetPageDirty(page);
}

void quiet_only_set(struct mm_struct *mm)
{
	if (!test_bit(MMF_USED, &mm->flags))
		set_bit(MMF_USED, &mm->flags);
}

void quiet_atomic(struct thing *thing)
{
	if (test_bit(BUSY, &thing->flags))
		return;
	if (test_and_set_bit(BUSY, &thing->flags))
		return;
	start(thing);
}

void quiet_other(struct thing *one, struct thing *two)
{
	if (test_bit(BUSY, &one->flags))
		return;
	set_bit(BUSY, &two->flags);
	start(one);
}

void quiet_fresh(void)
{
	struct thing *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	if (test_bit(BUSY, &thing->flags))
		return;
	count(thing);
	set_bit(BUSY, &thing->flags);
}

void quiet_known_set(struct page *page)
{
	if (!PageDirty(page))
		return;
	start(page);
	SetPageDirty(page);
}
