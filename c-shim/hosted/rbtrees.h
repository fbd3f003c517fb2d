/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the map builder and the checks need of red-black trees. */
#ifndef C_SHIM_RBTREES_H
#define C_SHIM_RBTREES_H

#include <stddef.h>

#include <kern/rbtree.h>

enum { TREE_LEFT, TREE_RIGHT };

#define TREE_BLACK	1UL
#define TREE_FLAGS	3UL	/* low bits of .parent that are no address */

static inline struct rbtree_node *
tree_parent(const struct rbtree_node *node)
{
	return (struct rbtree_node *) (node->parent & ~TREE_FLAGS);
}

extern struct rbtree_node *tree_first(const struct rbtree *tree);
extern struct rbtree_node *tree_next(struct rbtree_node *node);
extern unsigned int tree_count(const struct rbtree *tree);
/* What is wrong with the tree's shape and colours, or null. */
extern const char *tree_fault(const struct rbtree *tree);

/* The same as rbtree_insert_rebalance and rbtree_remove, unlogged. */
extern void tree_link(struct rbtree *tree, struct rbtree_node *parent,
		      int index, struct rbtree_node *node);
extern void tree_unlink(struct rbtree *tree, struct rbtree_node *node);

#endif /* C_SHIM_RBTREES_H */
