;; assertion
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 v128 v128 v128 v128 i64 i32 i32 i64 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i64 i32 i64 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i64 i64 i64)
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
      local.set 43
      local.get 43
      local.get 1
      local.get 43
      local.get 1
      i32.lt_u
      select
      local.set 43
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 43
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
    local.set 52
    i32.const 0
    i32.load offset=264
    local.set 53
    i32.const 0
    i64.load offset=320
    local.set 54
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 55
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 56
    global.get 0
    local.set 57
    global.get 1
    local.set 58
    global.get 2
    local.set 59
    global.get 3
    local.set 60
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
    global.get 4
    local.set 61
    global.get 0
    local.set 62
    global.get 5
    local.set 63
    global.get 2
    local.set 64
    i32.const 0
    i32.load offset=96
    local.set 46
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
                  v128.store offset=384 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=400 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=416 align=4
                  local.get 2
                  i32.const 2
                  i32.shl
                  local.get 9
                  i32x4.splat
                  v128.store offset=432 align=4
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
            local.get 46
            i32.or
            i32.const 0
            local.set 46
            local.tee 6
            i32.const 0
            i32.lt_s
            (@metadata.code.branch_hint "\00")
            if ;; label = @5
              local.get 2
              i32.const 2
              i32.shl
              i32.load offset=384
              local.set 6
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=384 align=4
              local.get 6
              i32x4.splat
              v128.xor
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=400 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=416 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              local.get 2
              i32.const 2
              i32.shl
              v128.load offset=432 align=4
              local.get 6
              i32x4.splat
              v128.xor
              v128.or
              v128.any_true
              local.tee 45
              local.get 6
              i32.const 1073741824
              i32.ge_u
              i32.or
              if ;; label = @6
                local.get 45
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
                local.set 43
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 43
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
          br_table 1 (;@2;) 0 (;@3;) 0 (;@3;) 0 (;@3;) 0 (;@3;)
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
          v128.store offset=384 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=400 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=416 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 9
          i32x4.splat
          v128.store offset=432 align=4
        end
        local.get 2
        i32.const 16
        i32.add
        local.set 43
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 43
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
      block ;; label = @2
        block ;; label = @3
          local.get 52
          local.set 65
          local.get 3
          local.set 66
          i64.const 0
          local.get 66
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
          local.get 66
          i64.extend_i32_u
          local.set 67
          local.get 67
          i64.const 4
          i64.mul
          local.set 68
          local.get 65
          local.get 68
          i64.add
          local.set 69
          local.get 69
          local.get 62
          i64.sub
          i64.const 2
          i64.rotr
          local.get 61
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          br 1 (;@2;)
        end
        local.get 2
        i32.const 2
        i32.shr_u
        i32.const 1
        i32.store offset=4544
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
        v128.store offset=384 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
        v128.store offset=400 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
        v128.store offset=416 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000001 0x40000001 0x40000001 0x40000001
        v128.store offset=432 align=4
        local.get 2
        i32.const 16
        i32.add
        local.set 43
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 43
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 52
      local.set 15
      local.get 53
      local.set 16
      local.get 3
      local.set 17
      local.get 17
      i64.extend_i32_u
      local.set 18
      local.get 18
      i64.const 4
      i64.mul
      local.set 19
      local.get 15
      local.get 19
      i64.add
      local.set 20
      local.get 20
      local.set 10
      local.get 20
      i32.wrap_i64
      local.set 42
      local.get 42
      v128.load 1 align=1
      local.set 21
      local.get 42
      v128.load 1 offset=16 align=1
      local.set 22
      local.get 42
      v128.load 1 offset=32 align=1
      local.set 23
      local.get 42
      v128.load 1 offset=48 align=1
      local.set 24
      local.get 21
      local.set 11
      local.get 22
      local.set 12
      local.get 23
      local.set 13
      local.get 24
      local.set 14
      local.get 21
      local.get 16
      i32x4.splat
      i32x4.lt_u
      local.set 25
      local.get 22
      local.get 16
      i32x4.splat
      i32x4.lt_u
      local.set 26
      local.get 23
      local.get 16
      i32x4.splat
      i32x4.lt_u
      local.set 27
      local.get 24
      local.get 16
      i32x4.splat
      i32x4.lt_u
      local.set 28
      local.get 25
      local.get 26
      v128.and
      local.get 27
      v128.and
      local.get 28
      v128.and
      i32x4.all_true
      i32.eqz
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        i32.shl
        local.get 11
        v128.store offset=24000 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 12
        v128.store offset=24016 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 13
        v128.store offset=24032 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 14
        v128.store offset=24048 align=4
        local.get 2
        i32.const 4
        i32.mul
        local.get 10
        i64.store offset=40576 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 25
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        v128.and
        v128.store offset=36416 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 26
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        v128.and
        v128.store offset=36432 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 27
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        v128.and
        v128.store offset=36448 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 28
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        v128.and
        v128.store offset=36464 align=4
        local.get 2
        i32.const 2
        i32.shr_u
        i32.const 1
        i32.store offset=4544
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000004 0x40000004 0x40000004 0x40000004
        v128.store offset=384 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000004 0x40000004 0x40000004 0x40000004
        v128.store offset=400 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000004 0x40000004 0x40000004 0x40000004
        v128.store offset=416 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000004 0x40000004 0x40000004 0x40000004
        v128.store offset=432 align=4
        local.get 2
        i32.const 16
        i32.add
        local.set 43
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 43
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      i32.const 1
      if ;; label = @2
        block ;; label = @3
          block ;; label = @4
            local.get 10
            local.get 64
            i64.sub
            i64.const 2
            i64.rotr
            local.get 63
            i64.ge_u
            (@metadata.code.branch_hint "\00")
            br_if 0 (;@4;)
            br 1 (;@3;)
          end
          local.get 2
          i32.const 2
          i32.shl
          local.get 11
          v128.store offset=24000 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 12
          v128.store offset=24016 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 13
          v128.store offset=24032 align=4
          local.get 2
          i32.const 2
          i32.shl
          local.get 14
          v128.store offset=24048 align=4
          local.get 2
          i32.const 4
          i32.mul
          local.get 10
          i64.store offset=40576 align=4
          local.get 2
          i32.const 2
          i32.shr_u
          i32.const 1
          i32.store offset=4544
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=384 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=400 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=416 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0x40000002 0x40000002 0x40000002 0x40000002
          v128.store offset=432 align=4
          local.get 2
          i32.const 16
          i32.add
          local.set 43
          i32.const 0
          i32.const 0
          i32.store offset=92
          local.get 43
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
        end
        local.get 11
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        i32x4.add
        local.set 29
        local.get 12
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        i32x4.add
        local.set 30
        local.get 13
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        i32x4.add
        local.set 31
        local.get 14
        v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
        i32x4.add
        local.set 32
        local.get 10
        i32.wrap_i64
        local.set 42
        local.get 29
        local.set 33
        local.get 42
        local.get 33
        v128.store 1 align=1
        local.get 30
        local.set 33
        local.get 42
        local.get 33
        v128.store 1 offset=16 align=1
        local.get 31
        local.set 33
        local.get 42
        local.get 33
        v128.store 1 offset=32 align=1
        local.get 32
        local.set 33
        local.get 42
        local.get 33
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
          v128.store offset=384 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=400 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=416 align=4
          local.get 2
          i32.const 2
          i32.shl
          v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
          v128.store offset=432 align=4
        end
        br 1 (;@1;)
      else
        local.get 2
        i32.const 2
        i32.shr_u
        i32.const 1
        i32.store offset=4544
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
        v128.store offset=384 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
        v128.store offset=400 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
        v128.store offset=416 align=4
        local.get 2
        i32.const 2
        i32.shl
        v128.const i32x4 0x40000003 0x40000003 0x40000003 0x40000003
        v128.store offset=432 align=4
        local.get 2
        i32.const 16
        i32.add
        local.set 43
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 43
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
        unreachable
      end
    end
    unreachable
  )
