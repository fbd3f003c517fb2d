/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "defects.h"
#include "../storm/text.h"

static const struct defect defects[] = {
	{ "crossing-end", { crossing_end } },
	{ "crossing-end.copy", { crossing_end_copy } },
	{ "crossing-end.future", { crossing_end_future } },
	{ "protect-freed-entry", { protect_freed_entry } },
	{ "merge-loses-access", { merge_loses_access } },
	{ "merge-loses-access.spreads", { merge_spreads_access } },
	{ "silent-wire-failure", { silent_wire_failure } },
	{ "map-bad-mask", { map_bad_mask } },
	{ "wired-needs-copy", { wired_needs_copy } },
	{ "fork-shares-wired", { fork_shares_wired } },
	{ "fork-endless", { fork_endless } },
	{ "fork-endless.object", { fork_endless_object } },
	{ "copy-onto-itself", { copy_onto_itself } },
	{ "copy-onto-itself.piece", { copy_onto_itself_piece } },
	{ "pushed-before-wired", { pushed_before_wired } },
	{ "pushed-before-wired.shared", { pushed_before_wired_shared } },
	{ "copy-too-small", { copy_too_small } },
	{ "lock-wired-page", { lock_wired_page } },
	{ "own-pager", { own_pager } },
	{ "proxy-wraps", { proxy_wraps } },
	{ "copyin-hides-error", { copyin_hides_error } },
	{ "copyin-leaks", { read_what_goes, take_it_away } },
	{ "copyin-leaks.object", { copyin_leaks_object } },
	{ "wire-all-empty", { wire_all_empty } },
	{ "unmerged-wirings", { unmerged_wirings } },
	{ "wire-future-extends", { wire_future_extends } },
	{ "copy-onto-wired", { copy_onto_wired } },
	{ "wire-quota-twice", { wire_quota_twice } },
	{ "refused-clips", { refused_clips } },
	{ "refused-clips.protect", { refused_clips_protect } },
	{ "projected-unlocked", { inherit_pages, move_page, inherit_more, protect_pages } },
	{ "user-map-wire", { wire_fresh_pages, load_fresh_pages, protect_elsewhere } },
	{ "user-map-wire.storm", { storm_makes_and_wires, storm_wires, storm_loads, storm_protects, storm_replaces, storm_wires_all } },
	{ "unwire-busy-page", { unwire_shared_page, load_shared_page } },
	{ "copy-delayed-shadow", { copy_shared_pages, load_copied_pages } },
	{ "hole-filled", { wire_around_hole, fill_hole } },
	{ "overlapping-wires", { wire_lower_pages, wire_upper_pages } },
	{ "walk-behind-range", { wire_page, move_neighbours } },
	{ "convert-loses-waiters", { make_and_load_chains, load_chains } },
	{ "load-refused", { load_refused, load_late_page } },
	{ "late-wakeup", { receive_in_time, receive_in_time, receive_in_time, send_for_ever, send_for_ever, send_for_ever } },
	{ "lookup-order", { map_and_unmap, ask_by_name } },
	{ "reply-port-left", { reply_port_left } },
	{ "size-wired-drift", { size_wired_drift } },
};

const struct defect *find_defect(const char *name)
{
	for (unsigned i = 0; i < sizeof defects / sizeof defects[0]; i++)
		if (same_text(name, defects[i].name))
			return &defects[i];
	return NULL;
}
