// SPDX-License-Identifier: GPL-2.0-only
static struct item *newest;

static void assign(struct page *page, struct item *item)
{
	rcu_assign_pointer(page->item, item);
}

static void enlist(struct zone_list *zone, struct item *item)
{
	zone->count++;
	list_add(&item->lru, &zone->items);
}

int through_functions(struct page *page, struct zone_list *zone)
{
	struct item *item;

	item = kmem_cache_alloc(item_cache, GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	item->page = page;
	assign(page, item); /* finds: published-early */
	spin_lock(&zone->lock);
	enlist(zone, item);
	spin_unlock(&zone->lock);
	return 0;
}

int direct(struct table *table)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	list_add_rcu(&item->link, &table->items); /* finds: published-early */
	item->count = 1;
	return 0;
}

int shared(int count)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	newest = item; /* finds: published-early */
	item->count = count;
	return 0;
}

int quiet_shared(int count)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL), *last;

	item->count = count;
	last = item;
	newest = item;
	return keep(last);
}

static int __init quiet_first(void)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	newest = item;
	item->count = 1;
	return 0;
}

int quiet_order(struct table *table)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	item->count = 1;
	INIT_LIST_HEAD(&item->lru);
	list_add_rcu(&item->link, &table->items);
	return 0;
}

int quiet_locked(struct page *page, struct zone_list *zone)
{
	struct item *item;

	item = kmem_cache_alloc(item_cache, GFP_KERNEL);
	lock_page_item(page);
	if (page->item) {
		unlock_page_item(page);
		return 0;
	}
	assign(page, item);
	enlist(zone, item);
	unlock_page_item(page);
	return 0;
}

void quiet_known(struct page *page, struct item *item)
{
	assign(page, item);
	item->count = 1;
}

int quiet_next(struct table *table)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	item->count = 1;
	list_add_rcu(&item->link, &table->items);
	item = kmalloc(sizeof(*item), GFP_KERNEL);
	item->count = 2;
	return keep(item);
}
