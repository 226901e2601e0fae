;; barrier
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i32 i64 i64 i64 v128 v128 v128 v128 i32 i32 i32 i32 v128 v128 v128 v128 i32 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i64 i32 i32 i64 i64 i64 i64 i32 i64 i64 i64 i64 i32 i32 i64 i32 i64 i64 i64 i32 i32)
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
      i32.const 0
      i32.const 1
      i32.store offset=100
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
      local.set 40
      local.get 40
      local.get 1
      local.get 40
      local.get 1
      i32.lt_u
      select
      local.set 40
      i32.const 0
      i32.const 0
      i32.store offset=92
      i32.const 0
      i32.const 1
      i32.store offset=100
      local.get 40
      i32.const 12
      i32.shl
      local.get 0
      i32.or
      i32.const 1073741824
      i32.or
      return
    end
    i32.const 0
    i64.load offset=256
    local.set 49
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 50
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 51
    global.get 0
    local.set 52
    global.get 1
    local.set 53
    global.get 2
    local.set 54
    global.get 3
    local.set 55
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
    i32.const 0
    i32.load offset=40448
    local.set 56
    global.get 4
    local.set 57
    global.get 0
    local.set 58
    global.get 5
    local.set 59
    global.get 2
    local.set 60
    i32.const 0
    i32.load offset=96
    local.set 43
    i32.const 0
    i32.const 0
    i32.store offset=96
    i32.const 0
    i32.load offset=100
    i32.const 0
    local.get 0
    local.get 43
    i32.or
    select
    local.set 29
    loop ;; label = @1
      block ;; label = @2
        block ;; label = @3
          block ;; label = @4
            loop ;; label = @5
              local.get 2
              i32.const 16
              i32.add
              local.tee 2
              i32.const 16
              i32.add
              local.get 1
              i32.gt_s
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                local.get 2
                local.get 1
                i32.lt_s
                if ;; label = @7
                  local.get 9
                  i32.const 0
                  i32.ge_s
                  if ;; label = @8
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
                  i32.const 0
                  i32.const 1
                  i32.store offset=100
                  local.get 1
                  i32.const 12
                  i32.shl
                  local.get 2
                  i32.or
                  i32.const 1073741824
                  i32.or
                  return
                end
                i32.const -1
                local.set 42
                local.get 29
                i32.const -2
                i32.eq
                if ;; label = @7
                  i32.const 1
                  local.set 42
                end
                local.get 9
                local.get 42
                i32.or
                i32.const 0
                i32.ge_s
                i32.const 0
                i32.atomic.load offset=1114112
                i32.eqz
                i32.and
                if ;; label = @7
                  i32.const 0
                  local.get 42
                  local.tee 9
                  i32.store offset=84
                  i32.const 0
                  local.set 29
                  i32.const -16
                  local.set 2
                  i32.const -16
                  local.set 3
                  i32.const 0
                  local.set 4
                  i32.const 0
                  local.set 5
                  br 2 (;@5;)
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
              if ;; label = @6
                i32.const 0
                local.set 3
                local.get 4
                i32.const 1
                i32.add
                local.tee 4
                i32.const 0
                i32.load offset=36
                i32.ge_u
                if ;; label = @7
                  i32.const 0
                  local.set 4
                  local.get 5
                  i32.const 1
                  i32.add
                  local.set 5
                end
              end
              local.get 9
              local.get 43
              i32.or
              i32.const 0
              local.set 43
              local.tee 6
              i32.const 0
              i32.lt_s
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
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
                local.tee 42
                local.get 6
                i32.const 1073741824
                i32.ge_u
                i32.or
                if ;; label = @7
                  local.get 42
                  i32.eqz
                  local.get 6
                  i32.const 0
                  i32.lt_s
                  i32.and
                  if ;; label = @8
                    i32.const 1
                    local.set 29
                    br 3 (;@5;)
                  end
                  local.get 2
                  i32.const 16
                  i32.add
                  local.set 40
                  i32.const 0
                  i32.const 0
                  i32.store offset=92
                  i32.const 0
                  i32.const 1
                  i32.store offset=100
                  local.get 40
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
            br_if 2 (;@2;)
            local.get 6
            br_table 2 (;@2;) 1 (;@3;) 0 (;@4;) 0 (;@4;)
          end
          local.get 9
          i32.const 0
          i32.ge_s
          if ;; label = @4
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
          local.set 40
          i32.const 0
          i32.const 0
          i32.store offset=92
          i32.const 0
          i32.const 1
          i32.store offset=100
          local.get 40
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
          unreachable
        end
        local.get 2
        i32.const 2
        i32.shr_u
        i32.load offset=4480
        i32.eqz
        (@metadata.code.branch_hint "\00")
        if ;; label = @3
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28096 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000000 0x00000000 0x00000004 0x00000000
          i64x2.add
          v128.xor
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28112 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000008 0x00000000 0x0000000c 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28128 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000010 0x00000000 0x00000014 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28144 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000018 0x00000000 0x0000001c 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28160 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000020 0x00000000 0x00000024 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28176 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000028 0x00000000 0x0000002c 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28192 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000030 0x00000000 0x00000034 0x00000000
          i64x2.add
          v128.xor
          v128.or
          local.get 2
          i32.const 3
          i32.shl
          v128.load offset=28208 align=4
          local.get 2
          i32.const 3
          i32.shl
          v128.load64_splat offset=28096 align=4
          v128.const i32x4 0x00000038 0x00000000 0x0000003c 0x00000000
          i64x2.add
          v128.xor
          v128.or
          v128.any_true
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 9
            i32.const 0
            i32.ge_s
            if ;; label = @5
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
            local.set 40
            i32.const 0
            i32.const 0
            i32.store offset=92
            i32.const 0
            i32.const 1
            i32.store offset=100
            local.get 40
            i32.const 12
            i32.shl
            local.get 2
            i32.or
            i32.const 1073741824
            i32.or
            return
          end
          local.get 2
          i32.const 2
          i32.shr_u
          i32.const 1
          i32.store offset=4480
          local.get 2
          i32.const 4
          i32.mul
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=23936
          i32.store offset=36352
          local.get 2
          i32.const 4
          i32.mul
          local.get 2
          i32.const 3
          i32.shl
          i64.load offset=28096 align=4
          i64.store offset=36360 align=4
        end
        local.get 2
        i32.const 4
        i32.mul
        i32.load offset=36352
        local.set 11
        local.get 2
        i32.const 4
        i32.mul
        i64.load offset=36360 align=4
        local.set 10
        i32.const 0
        local.set 6
        block ;; label = @3
          block ;; label = @4
            local.get 11
            i32.const 4
            i32.xor
            local.set 61
            i32.const 0
            local.get 61
            i32.add
            local.set 62
            local.get 62
            i32.const -4
            i32.add
            i32.const 2
            i32.rotr
            local.get 56
            i32.ge_u
            (@metadata.code.branch_hint "\00")
            br_if 0 (;@4;)
            local.get 10
            local.get 60
            i64.sub
            i64.const 2
            i64.rotr
            local.get 59
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
          v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
          v128.store offset=320 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
          v128.store offset=336 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
          v128.store offset=352 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
          v128.store offset=368 align=4
          local.get 2
          i32.const 16
          i32.add
          local.set 40
          i32.const 0
          i32.const 0
          i32.store offset=92
          i32.const 0
          i32.const 1
          i32.store offset=100
          local.get 40
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
        end
        local.get 11
        i32.const 4
        i32.xor
        local.set 23
        i32.const 0
        local.get 23
        i32.add
        local.set 24
        local.get 24
        i32.const -4
        i32.add
        local.set 39
        local.get 39
        v128.load32_zero offset=40708 align=1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40704 align=1 1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40716 align=1 2
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40712 align=1 3
        local.set 25
        local.get 39
        v128.load32_zero offset=40724 align=1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40720 align=1 1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40732 align=1 2
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40728 align=1 3
        local.set 26
        local.get 39
        v128.load32_zero offset=40740 align=1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40736 align=1 1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40748 align=1 2
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40744 align=1 3
        local.set 27
        local.get 39
        v128.load32_zero offset=40756 align=1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40752 align=1 1
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40764 align=1 2
        local.set 30
        local.get 39
        local.get 30
        v128.load32_lane offset=40760 align=1 3
        local.set 28
        local.get 10
        i32.wrap_i64
        local.set 39
        local.get 25
        local.set 30
        local.get 39
        local.get 30
        v128.store 1 align=1
        local.get 26
        local.set 30
        local.get 39
        local.get 30
        v128.store 1 offset=16 align=1
        local.get 27
        local.set 30
        local.get 39
        local.get 30
        v128.store 1 offset=32 align=1
        local.get 28
        local.set 30
        local.get 39
        local.get 30
        v128.store 1 offset=48 align=1
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
        i32.const -1
        i32.const 1
        local.get 29
        i32.eqz
        local.get 29
        i32.const -1
        i32.eq
        i32.or
        select
        local.set 29
        br 1 (;@1;)
      end
      i32.const 0
      local.set 6
      block ;; label = @2
        block ;; label = @3
          local.get 49
          local.set 63
          local.get 3
          local.set 64
          i64.const 0
          local.get 64
          i64.extend_i32_u
          i64.const 15
          i64.add
          i64.const 32
          i64.shr_u
          i64.or
          i64.eqz
          i32.eqz
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          local.get 64
          i64.extend_i32_u
          local.set 65
          local.get 65
          i64.const 4
          i64.mul
          local.set 66
          local.get 63
          local.get 66
          i64.add
          local.set 67
          local.get 67
          local.get 58
          i64.sub
          i64.const 2
          i64.rotr
          local.get 57
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          local.get 64
          i32.const 2
          i32.shl
          local.set 68
          i32.const 0
          local.get 68
          i32.add
          local.set 69
          local.get 69
          i32.const 2
          i32.rotr
          local.get 56
          i32.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          br 1 (;@2;)
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
        local.set 40
        i32.const 0
        i32.const 0
        i32.store offset=92
        i32.const 0
        i32.const 1
        i32.store offset=100
        local.get 40
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 49
      local.set 12
      local.get 3
      local.set 13
      local.get 13
      i64.extend_i32_u
      local.set 14
      local.get 14
      i64.const 4
      i64.mul
      local.set 15
      local.get 12
      local.get 15
      i64.add
      local.set 16
      local.get 16
      local.set 10
      local.get 16
      i32.wrap_i64
      local.set 39
      local.get 39
      v128.load 1 align=1
      local.set 17
      local.get 39
      v128.load 1 offset=16 align=1
      local.set 18
      local.get 39
      v128.load 1 offset=32 align=1
      local.set 19
      local.get 39
      v128.load 1 offset=48 align=1
      local.set 20
      local.get 13
      i32.const 2
      i32.shl
      local.set 21
      local.get 21
      local.set 11
      i32.const 0
      local.get 21
      i32.add
      local.set 22
      local.get 22
      local.set 39
      local.get 17
      local.set 30
      local.get 39
      local.get 30
      v128.store offset=40704 align=1
      local.get 18
      local.set 30
      local.get 39
      local.get 30
      v128.store offset=40720 align=1
      local.get 19
      local.set 30
      local.get 39
      local.get 30
      v128.store offset=40736 align=1
      local.get 20
      local.set 30
      local.get 39
      local.get 30
      v128.store offset=40752 align=1
      local.get 2
      i32.const 4
      i32.mul
      local.get 11
      i32.store offset=36352
      local.get 2
      i32.const 4
      i32.mul
      local.get 10
      i64.store offset=36360 align=4
      local.get 2
      i32.const 2
      i32.shr_u
      i32.const 1
      i32.store offset=4480
      local.get 2
      i32.const 2
      i32.shl
      v128.const i32x4 0xfffffffe 0xfffffffe 0xfffffffe 0xfffffffe
      v128.store offset=320 align=4
      local.get 2
      i32.const 2
      i32.shl
      v128.const i32x4 0xfffffffe 0xfffffffe 0xfffffffe 0xfffffffe
      v128.store offset=336 align=4
      local.get 2
      i32.const 2
      i32.shl
      v128.const i32x4 0xfffffffe 0xfffffffe 0xfffffffe 0xfffffffe
      v128.store offset=352 align=4
      local.get 2
      i32.const 2
      i32.shl
      v128.const i32x4 0xfffffffe 0xfffffffe 0xfffffffe 0xfffffffe
      v128.store offset=368 align=4
      i32.const -2
      i32.const 1
      local.get 29
      i32.eqz
      local.get 29
      i32.const -2
      i32.eq
      i32.or
      select
      local.set 29
      br 0 (;@1;)
    end
    unreachable
  )
