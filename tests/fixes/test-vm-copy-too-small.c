/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of a pager's memory stays what it was, whatever part of that was
 * mapped first, and whatever other copies come and go.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
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

static void pager(void *arg)
{
  struct request request;
  vm_offset_t data;
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
          err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
          ASSERT_RET(err, "vm_allocate");
          *(int *)data = 1;
          err = memory_object_data_supply(request.control.name, request.offset,
                                          data, vm_page_size, TRUE,
                                          VM_PROT_NONE, FALSE, MACH_PORT_NULL);
          ASSERT_RET(err, "memory_object_data_supply");
          break;
        }
    }
}

/* In front of a page that nothing else comes to.  */
static vm_address_t map(vm_offset_t offset, vm_size_t size, boolean_t copy)
{
  vm_address_t address = 0;
  int err;

  err = vm_allocate(mach_task_self(), &address, size + vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_deallocate(mach_task_self(), address, size);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_map(mach_task_self(), &address, size, 0, FALSE, object, offset,
               copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT);
  ASSERT_RET(err, "vm_map");
  return address;
}

static vm_offset_t copy_of(vm_address_t page)
{
  mach_msg_type_number_t count;
  vm_offset_t data;
  int err;

  err = vm_read(mach_task_self(), page, vm_page_size, &data, &count);
  ASSERT_RET(err, "vm_read");
  return data;
}

static int load(vm_address_t page)
{
  return *(volatile int *)page;
}

static void store(vm_address_t page, int word)
{
  *(volatile int *)page = word;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t first, all, copy, behind;
  vm_offset_t one, other;
  int err, word;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  first = map(0, vm_page_size, FALSE);
  all = map(0, 2 * vm_page_size, FALSE);
  copy = map(0, 2 * vm_page_size, TRUE);

  /* Each store behind a copy gives the next one an object of its own.  */
  store(all, 2);
  one = copy_of(all + vm_page_size);
  store(all + vm_page_size, 3);
  other = copy_of(all + vm_page_size);
  err = vm_deallocate(mach_task_self(), one, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");

  /* Now the kernel sees that two of them can be one.  */
  behind = copy + 2 * vm_page_size;
  err = vm_deallocate(mach_task_self(), behind, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_allocate(mach_task_self(), &behind, vm_page_size, FALSE);
  ASSERT_RET(err, "vm_allocate");
  word = load(copy + vm_page_size);
  printf("the copy has %d, %d; the object %d, %d; its second copy %d\n",
         load(copy), word, load(first), load(all + vm_page_size), load(other));
  ASSERT(word == 1 && load(copy) == 1, "the copy has changed");
  ASSERT(load(first) == 2 && load(all + vm_page_size) == 3, "wrong contents");
  ASSERT(load(other) == 3, "the second copy is wrong");
  return 0;
}
