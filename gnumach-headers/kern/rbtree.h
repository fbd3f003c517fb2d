/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_RBTREE_H
#define GNUMACH_KERN_RBTREE_H

#include <structs.h>

/* Links node as child INDEX of parent (the root, if parent is null). */
extern void rbtree_insert_rebalance(struct rbtree *tree,
				    struct rbtree_node *parent, int index,
				    struct rbtree_node *node);
extern void rbtree_remove(struct rbtree *tree, struct rbtree_node *node);

/* The first node in order for direction 0, the last for 1; null if empty. */
extern struct rbtree_node *rbtree_firstlast(const struct rbtree *tree,
					    int direction);

#endif /* GNUMACH_KERN_RBTREE_H */
