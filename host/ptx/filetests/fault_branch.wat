;; fault_branch
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 v128 v128 v128 v128 i64 i64 i64 i32 i64 v128 v128 v128 v128 i32 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i32 i64 i32 i32 i64 i64 i64 i64 i32 i64 i64 i64 i64)
    i32.const 0
    i32.load offset=80
    i32.eqz
    if ;; label = @1
      i32.const -1
      local.get 0
      local.get 1
      i32.ge_s
      br_if 1
      drop
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 1
      i32.const 12
      i32.shl
      local.get 0
      i32.or
      i32.const 1073741824
      i32.or
      return
    end
    local.get 0
    i32.const 15
    i32.and
    i32.const 0
    i32.ne
    local.get 0
    local.get 1
    i32.lt_s
    i32.and
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      i32.const 15
      i32.or
      i32.const 1
      i32.add
      local.set 36
      local.get 36
      local.get 1
      local.get 36
      local.get 1
      i32.lt_u
      select
      local.set 36
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 36
      i32.const 12
      i32.shl
      local.get 0
      i32.or
      i32.const 1073741824
      i32.or
      return
    end
    i32.const 0
    i32.load offset=264
    local.set 45
    i32.const 0
    i64.load offset=256
    local.set 46
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 47
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 48
    global.get 0
    local.set 49
    global.get 1
    local.set 50
    local.get 0
    i32.const 1
    i32.sub
    local.set 2
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.rem_u
    i32.const 1
    i32.sub
    local.set 3
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.div_u
    i32.const 0
    i32.load offset=36
    i32.rem_u
    local.set 4
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.div_u
    i32.const 0
    i32.load offset=36
    i32.div_u
    local.set 5
    local.get 0
    i32.const 16
    i32.sub
    local.set 2
    local.get 3
    i32.const 15
    i32.sub
    local.set 3
    global.get 2
    local.set 51
    global.get 0
    local.set 52
    i32.const 0
    i32.load offset=96
    local.set 39
    i32.const 0
    i32.const 0
    i32.store offset=96
    loop ;; label = @1
      block ;; label = @2
        block ;; label = @3
          loop ;; label = @4
            local.get 2
            i32.const 16
            i32.add
            local.tee 2
            i32.const 16
            i32.add
            local.get 1
            i32.gt_s
            (@metadata.code.branch_hint "\00")
            if ;; label = @5
              local.get 2
              local.get 1
              i32.lt_s
              if ;; label = @6
                local.get 9
                i32.const 0
                i32.ge_s
                if ;; label = @7
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=320 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=336 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=352 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=368 align=4
                end
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 1
                i32.const 12
                i32.shl
                local.get 2
                i32.or
                i32.const 1073741824
                i32.or
                return
              end
              local.get 9
              i32.const 0
              i32.ge_s
              i32.const 0
              i32.load offset=88
              i32.const 0
              i32.ne
              i32.and
              i32.const 0
              i32.atomic.load offset=1114112
              i32.eqz
              i32.and
              if ;; label = @6
                i32.const 0
                i32.const 0
                i32.load offset=88
                i32.const -1
                i32.add
                i32.store offset=88
                i32.const 0
                i32.const 0
                i32.load offset=16
                i32.const 1
                i32.add
                i32.store offset=16
                i32.const 0
                i32.load offset=16
                i32.const 0
                i32.load offset=48
                i32.eq
                (@metadata.code.branch_hint "\00")
                if ;; label = @7
                  i32.const 0
                  i32.const 0
                  i32.store offset=16
                  i32.const 0
                  i32.const 0
                  i32.load offset=20
                  i32.const 1
                  i32.add
                  i32.store offset=20
                  i32.const 0
                  i32.load offset=20
                  i32.const 0
                  i32.load offset=52
                  i32.eq
                  (@metadata.code.branch_hint "\00")
                  if ;; label = @8
                    i32.const 0
                    i32.const 0
                    i32.store offset=20
                    i32.const 0
                    i32.const 0
                    i32.load offset=24
                    i32.const 1
                    i32.add
                    i32.store offset=24
                  end
                end
                i32.const -16
                local.set 2
                i32.const -16
                local.set 3
                i32.const 0
                local.set 4
                i32.const 0
                local.set 5
                br 2 (;@4;)
              end
              i32.const -1
              return
            end
            local.get 3
            i32.const 16
            i32.add
            local.tee 3
            i32.const 0
            i32.load offset=32
            i32.ge_u
            if ;; label = @5
              i32.const 0
              local.set 3
              local.get 4
              i32.const 1
              i32.add
              local.tee 4
              i32.const 0
              i32.load offset=36
              i32.ge_u
              if ;; label = @6
                i32.const 0
                local.set 4
                local.get 5
                i32.const 1
                i32.add
                local.set 5
              end
            end
            local.get 9
            local.get 39
            i32.or
            i32.const 0
            local.set 39
            local.tee 6
            i32.const 0
            i32.lt_s
            (@metadata.code.branch_hint "\00")
            if ;; label = @5
              local.get 2
              i32.const 2
              i32.shl
              i32.load offset=320
              local.set 6
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=320 align=4
              local.get 6
              i32x4.splat
              v128.xor
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=336 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=352 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=368 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              v128.any_true
              local.tee 38
              local.get 6
              i32.const 1073741824
              i32.ge_u
              i32.or
              if ;; label = @6
                local.get 38
                i32.eqz
                local.get 6
                i32.const 0
                i32.lt_s
                i32.and
                if ;; label = @7
                  br 3 (;@4;)
                end
                local.get 2
                i32.const 16
                i32.add
                local.set 36
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 36
                i32.const 12
                i32.shl
                local.get 2
                i32.or
                i32.const 1073741824
                i32.or
                return
              end
            end
          end
          local.get 6
          i32.eqz
          br_if 1 (;@2;)
          local.get 6
          br_table 1 (;@2;) 0 (;@3;) 0 (;@3;)
        end
        local.get 9
        i32.const 0
        i32.ge_s
        if ;; label = @3
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=320 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=336 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=352 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=368 align=4
        end
        local.get 2
        i32.const 16
        i32.add
        local.set 36
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 36
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
        unreachable
      end
      i32.const 0
      local.set 6
      local.get 45
      local.set 10
      local.get 3
      local.set 11
      local.get 11
      i32x4.splat
      v128.const i32x4 0x00000000 0x00000001 0x00000002 0x00000003
      i32x4.add
      local.get 10
      i32x4.splat
      i32x4.ge_u
      local.set 12
      local.get 11
      i32x4.splat
      v128.const i32x4 0x00000004 0x00000005 0x00000006 0x00000007
      i32x4.add
      local.get 10
      i32x4.splat
      i32x4.ge_u
      local.set 13
      local.get 11
      i32x4.splat
      v128.const i32x4 0x00000008 0x00000009 0x0000000a 0x0000000b
      i32x4.add
      local.get 10
      i32x4.splat
      i32x4.ge_u
      local.set 14
      local.get 11
      i32x4.splat
      v128.const i32x4 0x0000000c 0x0000000d 0x0000000e 0x0000000f
      i32x4.add
      local.get 10
      i32x4.splat
      i32x4.ge_u
      local.set 15
      local.get 11
      local.get 10
      i32.const -15
      i32.add
      i32.const 0
      local.get 10
      i32.const 15
      i32.ge_u
      select
      i32.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 11
        i32x4.splat
        v128.const i32x4 0x00000000 0x00000001 0x00000002 0x00000003
        i32x4.add
        local.get 10
        i32x4.splat
        i32x4.ge_u
        local.set 21
        local.get 11
        i32x4.splat
        v128.const i32x4 0x00000004 0x00000005 0x00000006 0x00000007
        i32x4.add
        local.get 10
        i32x4.splat
        i32x4.ge_u
        local.set 22
        local.get 11
        i32x4.splat
        v128.const i32x4 0x00000008 0x00000009 0x0000000a 0x0000000b
        i32x4.add
        local.get 10
        i32x4.splat
        i32x4.ge_u
        local.set 23
        local.get 11
        i32x4.splat
        v128.const i32x4 0x0000000c 0x0000000d 0x0000000e 0x0000000f
        i32x4.add
        local.get 10
        i32x4.splat
        i32x4.ge_u
        local.set 24
        local.get 21
        local.get 22
        v128.or
        local.get 23
        v128.or
        local.get 24
        v128.or
        v128.any_true
        (@metadata.code.branch_hint "\00")
        if ;; label = @3
          local.get 2
          i32.const 4
          i32.mul
          local.get 11
          i32.store offset=32256
          local.get 2
          i32.const 4
          i32.mul
          local.get 10
          i32.store offset=32260
          local.get 2
          i32.const 2
          i32.shr_u
          i32.const 1
          i32.store offset=4480
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
          v128.store offset=320 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
          v128.store offset=336 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
          v128.store offset=352 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
          v128.store offset=368 align=4
          local.get 2
          i32.const 16
          i32.add
          local.set 36
          i32.const 0
          i32.const 0
          i32.store offset=92
          local.get 36
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
        end
      end
      i32.const 0
      if ;; label = @2
        i64.const 0
        local.set 7
        local.get 2
        i32.const 3
        local.get 7
        call 2
        unreachable
      else
        block ;; label = @3
          block ;; label = @4
            local.get 3
            local.set 53
            i64.const 0
            local.get 53
            i64.extend_i32_u
            i64.const 15
            i64.add
            i64.const 32
            i64.shr_u
            i64.or
            i64.eqz
            i32.eqz
            (@metadata.code.branch_hint "\00")
            br_if 0 (;@4;)
            local.get 53
            i64.extend_i32_u
            local.set 54
            local.get 54
            i64.const 4
            i64.mul
            local.set 55
            local.get 46
            local.set 56
            local.get 56
            local.get 55
            i64.add
            local.set 57
            local.get 57
            local.get 52
            i64.sub
            i64.const 2
            i64.rotr
            local.get 51
            i64.ge_u
            (@metadata.code.branch_hint "\00")
            br_if 0 (;@4;)
            br 1 (;@3;)
          end
          local.get 2
          i32.const 2
          i32.shr_u
          i32.const 1
          i32.store offset=4480
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=320 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=336 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=352 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=368 align=4
          local.get 2
          i32.const 16
          i32.add
          local.set 36
          i32.const 0
          i32.const 0
          i32.store offset=92
          local.get 36
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
        end
        local.get 3
        local.set 19
        local.get 19
        i64.extend_i32_u
        local.set 16
        local.get 16
        i64.const 4
        i64.mul
        local.set 17
        local.get 46
        local.set 20
        local.get 20
        local.get 17
        i64.add
        local.set 18
        local.get 18
        i32.wrap_i64
        local.set 35
        local.get 19
        i32x4.splat
        v128.const i32x4 0x00000000 0x00000001 0x00000002 0x00000003
        i32x4.add
        local.set 26
        local.get 35
        local.get 26
        v128.store 1 align=1
        local.get 19
        i32x4.splat
        v128.const i32x4 0x00000004 0x00000005 0x00000006 0x00000007
        i32x4.add
        local.set 26
        local.get 35
        local.get 26
        v128.store 1 offset=16 align=1
        local.get 19
        i32x4.splat
        v128.const i32x4 0x00000008 0x00000009 0x0000000a 0x0000000b
        i32x4.add
        local.set 26
        local.get 35
        local.get 26
        v128.store 1 offset=32 align=1
        local.get 19
        i32x4.splat
        v128.const i32x4 0x0000000c 0x0000000d 0x0000000e 0x0000000f
        i32x4.add
        local.set 26
        local.get 35
        local.get 26
        v128.store 1 offset=48 align=1
        local.get 9
        i32.const 0
        i32.lt_s
        (@metadata.code.branch_hint "\00")
        if ;; label = @3
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=320 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=336 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=352 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=368 align=4
        end
        br 1 (;@1;)
      end
    end
    unreachable
  )
