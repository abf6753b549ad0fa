// SPDX-License-Identifier: GPL-2.0-only
static void free_work(struct rcu_head *head)
{
	kmem_cache_free(item_cache, container_of(head, struct item, rcu));
}

static int queue_work_items(void)
{
	struct item *item = take();

	call_rcu(&item->rcu, free_work);
	return 0;
}

static void local_drain(struct work_struct *work)
{
	queue_work_items();
}

int drain_all(void)
{
	int ret = schedule_on_each_cpu(local_drain);

	synchronize_rcu(); /* finds: call-rcu-barrier */
	return ret;
}

void __exit items_exit(void)
{
	synchronize_sched(); /* finds: call-rcu-barrier */
	kmem_cache_destroy(item_cache);
}

void quiet_exit(void)
{
	rcu_barrier();
	synchronize_rcu();
	kmem_cache_destroy(item_cache);
}

void quiet_unlink(struct item *item)
{
	list_del_rcu(&item->link);
	synchronize_rcu();
	kfree(item);
}

void quiet_either(struct item *item)
{
	if (item) {
		call_rcu(&item->rcu, free_work);
		return;
	}
	synchronize_rcu();
}
