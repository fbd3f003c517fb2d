/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of a pager's object is wired to be read.  A store to the object
 * leaves the wired page in place.  So does a store to memory that a child
 * shares, and has wired to be read.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

static mach_port_t object;

static void supply(const struct request *request)
{
  vm_offset_t data;
  int err;

  err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(int *)data = 1;
  err = memory_object_data_supply(request->control.name, request->offset,
                                  data, vm_page_size, TRUE, VM_PROT_NONE,
                                  FALSE, MACH_PORT_NULL);
  ASSERT_RET(err, "memory_object_data_supply");
}

static void pager(void *arg)
{
  struct request request;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_DELAY);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          supply(&request);
          break;
        }
    }
}

static volatile int *map_object(boolean_t copy, vm_prot_t protection)
{
  vm_address_t page = 0;
  int err;

  err = vm_map(mach_task_self(), &page, vm_page_size, 0, TRUE, object, 0,
               copy, protection, VM_PROT_ALL, VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_map");
  return (volatile int *)page;
}

static void store_to_object(void)
{
  volatile int *copy, *original;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);

  copy = map_object(TRUE, VM_PROT_READ);
  ASSERT(*copy == 1, "wrong contents");
  err = vm_wire(mach_host_self(), mach_task_self(), (vm_address_t)copy,
                vm_page_size, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire");

  original = map_object(FALSE, VM_PROT_DEFAULT);
  *original = 2;
  ASSERT(*copy == 1, "the copy has changed");

  /* The kernel would stop here.  */
  err = vm_wire(mach_host_self(), mach_task_self(), (vm_address_t)copy,
                vm_page_size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  ASSERT(*copy == 1 && *original == 2, "wrong contents");
}

/* What is shared is smaller than its object, and gets one of its own,
   without its page.  */
static void store_to_shared(void)
{
  vm_address_t page, seen;
  mach_msg_type_number_t size;
  task_t child;
  int err;

  err = vm_allocate(mach_task_self(), &page, 2 * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(volatile int *)page = 1;
  err = vm_inherit(mach_task_self(), page, vm_page_size, VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_inherit");
  err = task_create(mach_task_self(), TRUE, &child);
  ASSERT_RET(err, "task_create");
  err = vm_protect(child, page, vm_page_size, FALSE, VM_PROT_READ);
  ASSERT_RET(err, "vm_protect");
  err = vm_wire(mach_host_self(), child, page, vm_page_size, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire");

  *(volatile int *)page = 2;

  /* The kernel would stop here.  */
  err = vm_wire(mach_host_self(), child, page, vm_page_size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = vm_read(child, page, vm_page_size, &seen, &size);
  ASSERT_RET(err, "vm_read");
  ASSERT(*(volatile int *)seen == 2, "not shared");
  err = task_terminate(child);
  ASSERT_RET(err, "task_terminate");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  store_to_shared();
  store_to_object();
  return 0;
}
