// SPDX-License-Identifier: GPL-2.0-only
struct box { void *owner; struct address_space *mapping; int count; };

void order(struct page *page)
{
	page->private = 0;
	page->mapping = NULL;
	/* the mapping says what kind of page it is */
	if (PageAnon(page)) /* finds: constant-test */
		forget(page);
}

int leftover(struct box *box)
{
	int ret = -ENOMEM;

	if (ret) /* finds: constant-test */
		return ret;
	box->count = 0;
	if (unlikely(!box->count)) /* finds: constant-test */
		return 1;
	return 0;
}

int compared(int flag)
{
	int ret;

	ret = 3;
	flag++;
	if (ret == 3 && flag)
		return 1;
	if (ret > 4 && flag) /* finds: constant-test */
		return 2;
	return 0;
}

int twice(struct box *box)
{
	if (!box)
		return -EINVAL;
	prepare();
	if (!box) /* finds: test-repeated */
		return -EFAULT;
	return 0;
}

int quiet_call(struct box *box)
{
	int ret = 0;

	ret = work(box);
	if (ret)
		return ret;
	box->owner = NULL;
	attach(box);
	if (box->owner)
		return 1;
	return 0;
}

int quiet_address(void)
{
	int found = 0;

	search(&found);
	if (found)
		return 1;
	return 0;
}

int quiet_retry(struct box *box)
{
	int tries = 0;
again:
	if (tries)
		wait(box);
	tries = 1;
	goto again;
}

int quiet_conditional(void)
{
	int busy = 0;

#ifdef CONFIG_SMP
	busy = other_cpus();
#endif
	if (busy)
		return 1;
	return 0;
}

int quiet_loop(struct box *box)
{
	int seen = 0;

	list_for_each_entry(box, &boxes, list)
		seen = 1;
	if (seen)
		return 1;
	return 0;
}

int quiet_unknown(struct page *page)
{
	int error = -EAGAIN;

	page->index = 0;
	if (PageAnon(page))
		return 1;
	if (error == -EWOULDBLOCK)
		return 2;
	return 0;
}

int quiet_condition_assigns(struct box *box)
{
	int ret = 0;

	if ((ret = work(box)) || ret)
		return ret;
	return 0;
}

int quiet_static(void)
{
	static int left = 10;

	if (left)
		left--;
	return left;
}

int quiet_changed(struct box *box)
{
	if (!box)
		return -EINVAL;
	box = next_box(box);
	if (!box)
		return -EFAULT;
	return 0;
}

int never_entered(struct box *box)
{
	int left = 0;

	while (left > 0) /* finds: constant-test */
		left = work(box);
	return left;
}

int copied(int kind)
{
	if (kind == 1)
		return 4;
	else if (kind == 2)
		return 5;
	else if (kind == 1) /* finds: constant-test */
		return 6;
	return 0;
}

int quiet_loop_macro(void)
{
	int node = 0;

	for_each_online_node(node)
		work(node);
	return node;
}

int quiet_entered(struct box *box)
{
	int at = 0;

	while (at < 10)
		at += work(box);
	if (work(box))
		return 1;
	else if (work(box))
		return 2;
	return at;
}
