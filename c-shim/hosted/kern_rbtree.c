/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for <kern/rbtree.h>.  The textbook algorithms, over nodes that keep
 * their colour in the parent's address; a null child counts as black.
 */
#include <stdbool.h>
#include <stdint.h>

#include "calls.h"
#include "map.h"
#include "maps.h"
#include "stop.h"
#include "rbtrees.h"

static bool
red(const struct rbtree_node *node)
{
	return node != NULL && (node->parent & TREE_BLACK) == 0;
}

static void
paint(struct rbtree_node *node, bool black)
{
	node->parent = (node->parent & ~TREE_FLAGS) | (black ? TREE_BLACK : 0);
}

static void
hang_under(struct rbtree_node *node, struct rbtree_node *parent)
{
	node->parent = (uintptr_t) parent | (node->parent & TREE_FLAGS);
}

static int
side_of(const struct rbtree_node *node, const struct rbtree_node *parent)
{
	return parent->children[TREE_RIGHT] == node ? TREE_RIGHT : TREE_LEFT;
}

/* Puts NEW, which may be null, where OLD hangs. */
static void
replace(struct rbtree *tree, struct rbtree_node *old, struct rbtree_node *new)
{
	struct rbtree_node *parent = tree_parent(old);

	if (parent == NULL)
		tree->root = new;
	else
		parent->children[side_of(old, parent)] = new;
	if (new != NULL)
		hang_under(new, parent);
}

/* TOP goes down on SIDE, and its child of the other side takes its place. */
static void
rotate(struct rbtree *tree, struct rbtree_node *top, int side)
{
	struct rbtree_node *riser = top->children[!side];
	struct rbtree_node *middle = riser->children[side];

	replace(tree, top, riser);
	riser->children[side] = top;
	hang_under(top, riser);
	top->children[!side] = middle;
	if (middle != NULL)
		hang_under(middle, top);
}

void
tree_link(struct rbtree *tree, struct rbtree_node *parent, int index,
	  struct rbtree_node *node)
{
	node->parent = (uintptr_t) parent;
	node->children[TREE_LEFT] = NULL;
	node->children[TREE_RIGHT] = NULL;
	if (parent == NULL)
		tree->root = node;
	else
		parent->children[index] = node;

	while (red(parent = tree_parent(node))) {
		struct rbtree_node *top = tree_parent(parent);
		int side = side_of(parent, top);
		struct rbtree_node *uncle = top->children[!side];

		if (red(uncle)) {
			paint(parent, true);
			paint(uncle, true);
			paint(top, false);
			node = top;
			continue;
		}
		if (side_of(node, parent) != side) {
			rotate(tree, parent, side);
			parent = node;
		}
		paint(parent, true);
		paint(top, false);
		rotate(tree, top, !side);
		break;
	}
	paint(tree->root, true);
}

/* The paths through PARENT on SIDE have one black node too few. */
static void
restore_black(struct rbtree *tree, struct rbtree_node *parent, int side)
{
	while (parent != NULL && !red(parent->children[side])) {
		struct rbtree_node *sibling = parent->children[!side];

		if (red(sibling)) {
			paint(sibling, true);
			paint(parent, false);
			rotate(tree, parent, side);
			sibling = parent->children[!side];
		}
		if (!red(sibling->children[TREE_LEFT])
		    && !red(sibling->children[TREE_RIGHT])) {
			struct rbtree_node *child = parent;

			paint(sibling, false);
			parent = tree_parent(child);
			if (parent == NULL)
				return;
			side = side_of(child, parent);
			continue;
		}
		if (!red(sibling->children[!side])) {
			paint(sibling->children[side], true);
			paint(sibling, false);
			rotate(tree, sibling, !side);
			sibling = parent->children[!side];
		}
		paint(sibling, !red(parent));
		paint(parent, true);
		paint(sibling->children[!side], true);
		rotate(tree, parent, side);
		return;
	}
	if (parent == NULL && tree->root != NULL)
		paint(tree->root, true);
	else if (parent != NULL)
		paint(parent->children[side], true);
}

/* NODE, which has two children, and its successor change places. */
static void
swap_with_successor(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *next = node->children[TREE_RIGHT], *parent;
	struct rbtree_node *tail;
	bool next_red, node_red = red(node);

	while (next->children[TREE_LEFT] != NULL)
		next = next->children[TREE_LEFT];
	parent = tree_parent(next);
	tail = next->children[TREE_RIGHT];
	next_red = red(next);

	replace(tree, node, next);
	next->children[TREE_LEFT] = node->children[TREE_LEFT];
	hang_under(next->children[TREE_LEFT], next);
	if (parent == node) {
		next->children[TREE_RIGHT] = node;
		hang_under(node, next);
	} else {
		next->children[TREE_RIGHT] = node->children[TREE_RIGHT];
		hang_under(next->children[TREE_RIGHT], next);
		parent->children[TREE_LEFT] = node;
		hang_under(node, parent);
	}
	node->children[TREE_LEFT] = NULL;
	node->children[TREE_RIGHT] = tail;
	if (tail != NULL)
		hang_under(tail, node);
	paint(next, !node_red);
	paint(node, !next_red);
}

void
tree_unlink(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *parent, *child;
	int side = TREE_LEFT;

	if (node->children[TREE_LEFT] != NULL
	    && node->children[TREE_RIGHT] != NULL)
		swap_with_successor(tree, node);

	child = node->children[node->children[TREE_LEFT] == NULL];
	parent = tree_parent(node);
	if (parent != NULL)
		side = side_of(node, parent);
	replace(tree, node, child);
	if (!red(node))
		restore_black(tree, parent, side);
}

struct rbtree_node *
tree_first(const struct rbtree *tree)
{
	struct rbtree_node *node = tree->root;

	while (node != NULL && node->children[TREE_LEFT] != NULL)
		node = node->children[TREE_LEFT];
	return node;
}

struct rbtree_node *
tree_next(struct rbtree_node *node)
{
	struct rbtree_node *parent;

	if (node->children[TREE_RIGHT] != NULL) {
		struct rbtree below = { node->children[TREE_RIGHT] };

		return tree_first(&below);
	}
	while ((parent = tree_parent(node)) != NULL
	       && side_of(node, parent) == TREE_RIGHT)
		node = parent;
	return parent;
}

unsigned int
tree_count(const struct rbtree *tree)
{
	unsigned int count = 0;

	for (struct rbtree_node *node = tree_first(tree); node != NULL;
	     node = tree_next(node))
		count++;
	return count;
}

/* Black nodes on each path below NODE, or -1 with *FAULT set. */
static int
black_height(const struct rbtree_node *node, const char **fault)
{
	int heights[2];

	if (node == NULL)
		return 0;
	for (int side = TREE_LEFT; side <= TREE_RIGHT; side++) {
		const struct rbtree_node *child = node->children[side];

		if (child != NULL && tree_parent(child) != node)
			*fault = "a node's parent is not the one it hangs on";
		else if (red(node) && red(child))
			*fault = "a red node has a red child";
		if (*fault != NULL)
			return -1;
		heights[side] = black_height(child, fault);
		if (*fault != NULL)
			return -1;
	}
	if (heights[TREE_LEFT] != heights[TREE_RIGHT]) {
		*fault = "paths differ in black nodes";
		return -1;
	}
	return heights[TREE_LEFT] + !red(node);
}

const char *
tree_fault(const struct rbtree *tree)
{
	const char *fault = NULL;

	if (tree->root == NULL)
		return NULL;
	if (tree_parent(tree->root) != NULL)
		return "the root has a parent";
	if (red(tree->root))
		return "the root is red";
	black_height(tree->root, &fault);
	return fault;
}

/* Says in the log which tree it is, and whose entry. */
static void
note(enum call_kind kind, const char *name, const struct rbtree *tree,
     struct rbtree_node *node)
{
	vm_map_t map;
	vm_map_entry_t entry;

	for (map = map_first(); map != NULL; map = map_after(map)) {
		if (tree == &map->hdr.tree) {
			entry = tree_entry(node);
			calls_note(&(struct call) { kind, map, entry, 0 },
				   "%s tree " ENTRY_FORMAT, name,
				   ENTRY_PAGES(entry));
			return;
		}
		if (tree == &map->hdr.gap_tree) {
			entry = gap_tree_entry(node);
			calls_note(&(struct call) { kind, map, entry, 0 },
				   "%s gap_tree " ENTRY_FORMAT, name,
				   ENTRY_PAGES(entry));
			return;
		}
	}
	kernel_panic("%s: a tree of no map", name);
}

void
rbtree_insert_rebalance(struct rbtree *tree, struct rbtree_node *parent,
			int index, struct rbtree_node *node)
{
	note(CALL_RBTREE_INSERT_REBALANCE, "rbtree_insert_rebalance", tree,
	     node);
	if (parent == NULL ? tree->root != NULL
			   : parent->children[index] != NULL)
		kernel_panic("rbtree_insert_rebalance: the place is taken");
	tree_link(tree, parent, index, node);
}

void
rbtree_remove(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *top = node;

	note(CALL_RBTREE_REMOVE, "rbtree_remove", tree, node);
	while (tree_parent(top) != NULL)
		top = tree_parent(top);
	if (top != tree->root)
		kernel_panic("rbtree_remove: the node is not in the tree");
	tree_unlink(tree, node);
}
