;; gather
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i64 i32 i32 i64 i64 i64 i64 i64 i64 i64 i32 i64 i64 i64 i64 f32 v128 v128 v128 v128)
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
      local.set 65
      local.get 65
      local.get 1
      local.get 65
      local.get 1
      i32.lt_u
      select
      local.set 65
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 65
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
    local.set 74
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 75
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 76
    global.get 0
    local.set 77
    global.get 1
    local.set 78
    global.get 2
    local.set 79
    global.get 3
    local.set 80
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
    local.set 81
    global.get 0
    local.set 82
    i32.const 0
    i32.load offset=96
    local.set 68
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
            local.get 68
            i32.or
            i32.const 0
            local.set 68
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
              local.tee 67
              local.get 6
              i32.const 1073741824
              i32.ge_u
              i32.or
              if ;; label = @6
                local.get 67
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
                local.set 65
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 65
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
          br_table 1 (;@2;) 0 (;@3;)
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
        local.set 65
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 65
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
          local.get 74
          local.set 83
          local.get 3
          local.set 84
          i64.const 0
          local.get 84
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
          local.get 84
          i64.extend_i32_u
          local.set 85
          local.get 85
          i64.const 4
          i64.mul
          local.set 86
          local.get 83
          local.get 86
          i64.add
          local.set 87
          local.get 87
          local.get 82
          i64.sub
          i64.const 2
          i64.rotr
          local.get 81
          i64.ge_u
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
        local.set 65
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 65
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 74
      local.set 10
      local.get 3
      local.set 11
      local.get 11
      i64.extend_i32_u
      local.set 12
      local.get 12
      i64.const 4
      i64.mul
      local.set 13
      local.get 10
      local.get 13
      i64.add
      local.set 14
      local.get 14
      i32.wrap_i64
      local.set 64
      local.get 64
      v128.load 1 align=1
      local.set 15
      local.get 64
      v128.load 1 offset=16 align=1
      local.set 16
      local.get 64
      v128.load 1 offset=32 align=1
      local.set 17
      local.get 64
      v128.load 1 offset=48 align=1
      local.set 18
      local.get 15
      i64x2.extend_low_i32x4_u
      local.set 19
      local.get 15
      i64x2.extend_high_i32x4_u
      local.set 20
      local.get 16
      i64x2.extend_low_i32x4_u
      local.set 21
      local.get 16
      i64x2.extend_high_i32x4_u
      local.set 22
      local.get 17
      i64x2.extend_low_i32x4_u
      local.set 23
      local.get 17
      i64x2.extend_high_i32x4_u
      local.set 24
      local.get 18
      i64x2.extend_low_i32x4_u
      local.set 25
      local.get 18
      i64x2.extend_high_i32x4_u
      local.set 26
      local.get 19
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 27
      local.get 20
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 28
      local.get 21
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 29
      local.get 22
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 30
      local.get 23
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 31
      local.get 24
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 32
      local.get 25
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 33
      local.get 26
      v128.const i32x4 0x00000004 0x00000000 0x00000004 0x00000000
      i64x2.mul
      local.set 34
      local.get 10
      i64x2.splat
      local.get 27
      i64x2.add
      local.set 35
      local.get 10
      i64x2.splat
      local.get 28
      i64x2.add
      local.set 36
      local.get 10
      i64x2.splat
      local.get 29
      i64x2.add
      local.set 37
      local.get 10
      i64x2.splat
      local.get 30
      i64x2.add
      local.set 38
      local.get 10
      i64x2.splat
      local.get 31
      i64x2.add
      local.set 39
      local.get 10
      i64x2.splat
      local.get 32
      i64x2.add
      local.set 40
      local.get 10
      i64x2.splat
      local.get 33
      i64x2.add
      local.set 41
      local.get 10
      i64x2.splat
      local.get 34
      i64x2.add
      local.set 42
      local.get 78
      i64.const 1
      i64.sub
      i64.const 2
      i64.shl
      i64x2.splat
      local.set 55
      local.get 35
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      local.get 36
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 37
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 38
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 39
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 40
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 41
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 42
      i64.const 0
      local.get 77
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      v128.any_true
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        i32.const 0
        local.get 35
        v128.store offset=5504 align=4
        i32.const 0
        local.get 36
        v128.store offset=5520 align=4
        i32.const 0
        local.get 37
        v128.store offset=5536 align=4
        i32.const 0
        local.get 38
        v128.store offset=5552 align=4
        i32.const 0
        local.get 39
        v128.store offset=5568 align=4
        i32.const 0
        local.get 40
        v128.store offset=5584 align=4
        i32.const 0
        local.get 41
        v128.store offset=5600 align=4
        i32.const 0
        local.get 42
        v128.store offset=5616 align=4
        local.get 2
        local.set 66
        i32.const 0
        local.set 65
        loop ;; label = @3
          local.get 65
          i32.const 3
          i32.shl
          i64.load offset=5504 align=4
          local.set 88
          local.get 88
          local.set 7
          local.get 7
          local.get 77
          i64.sub
          i64.const 2
          i64.rotr
          local.get 78
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i32.const 2
            local.get 7
            call 1
            local.tee 78
            global.set 1
            local.tee 77
            global.set 0
            local.get 78
            i64.const 15
            i64.sub
            i64.const 0
            local.get 78
            i64.const 15
            i64.gt_u
            select
            global.set 4
          end
          local.get 7
          i32.wrap_i64
          f32.load 1
          local.set 89
          local.get 65
          i32.const 2
          i32.shl
          local.get 89
          f32.store offset=5632
          local.get 2
          i32.const 1
          i32.add
          local.set 2
          local.get 65
          i32.const 1
          i32.add
          local.tee 65
          i32.const 16
          i32.lt_u
          br_if 0 (;@3;)
        end
        local.get 66
        local.set 2
        i32.const 0
        v128.load offset=5632 align=4
        local.set 43
        i32.const 0
        v128.load offset=5648 align=4
        local.set 44
        i32.const 0
        v128.load offset=5664 align=4
        local.set 45
        i32.const 0
        v128.load offset=5680 align=4
        local.set 46
      else
        local.get 35
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        f32.load 1 align=1
        f32x4.splat
        local.set 90
        local.get 35
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 90
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 1
        local.set 90
        local.get 36
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 90
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 2
        local.set 90
        local.get 36
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 90
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 3
        local.set 90
        local.get 37
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        f32.load 1 align=1
        f32x4.splat
        local.set 91
        local.get 37
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 91
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 1
        local.set 91
        local.get 38
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 91
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 2
        local.set 91
        local.get 38
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 91
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 3
        local.set 91
        local.get 39
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        f32.load 1 align=1
        f32x4.splat
        local.set 92
        local.get 39
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 92
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 1
        local.set 92
        local.get 40
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 92
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 2
        local.set 92
        local.get 40
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 92
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 3
        local.set 92
        local.get 41
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        f32.load 1 align=1
        f32x4.splat
        local.set 93
        local.get 41
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 93
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 1
        local.set 93
        local.get 42
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 93
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 2
        local.set 93
        local.get 42
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 93
        local.get 64
        f32.load 1 align=1
        f32x4.replace_lane 3
        local.set 93
        local.get 90
        local.set 43
        local.get 91
        local.set 44
        local.get 92
        local.set 45
        local.get 93
        local.set 46
      end
      local.get 43
      local.get 43
      f32x4.add
      local.set 47
      local.get 44
      local.get 44
      f32x4.add
      local.set 48
      local.get 45
      local.get 45
      f32x4.add
      local.set 49
      local.get 46
      local.get 46
      f32x4.add
      local.set 50
      local.get 47
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 47
      local.get 47
      f32x4.eq
      v128.bitselect
      local.set 51
      local.get 48
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 48
      local.get 48
      f32x4.eq
      v128.bitselect
      local.set 52
      local.get 49
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 49
      local.get 49
      f32x4.eq
      v128.bitselect
      local.set 53
      local.get 50
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 50
      local.get 50
      f32x4.eq
      v128.bitselect
      local.set 54
      local.get 80
      i64.const 1
      i64.sub
      i64.const 2
      i64.shl
      i64x2.splat
      local.set 55
      local.get 35
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      local.get 36
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 37
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 38
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 39
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 40
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 41
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      local.get 42
      i64.const 0
      local.get 79
      i64.sub
      i64x2.splat
      i64x2.add
      local.tee 56
      local.get 55
      i64x2.gt_s
      local.get 56
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
      i64x2.lt_s
      v128.or
      local.get 56
      v128.const i32x4 0x00000003 0x00000000 0x00000003 0x00000000
      v128.and
      v128.or
      v128.or
      v128.any_true
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        i32.const 0
        local.get 35
        v128.store offset=5504 align=4
        i32.const 0
        local.get 36
        v128.store offset=5520 align=4
        i32.const 0
        local.get 37
        v128.store offset=5536 align=4
        i32.const 0
        local.get 38
        v128.store offset=5552 align=4
        i32.const 0
        local.get 39
        v128.store offset=5568 align=4
        i32.const 0
        local.get 40
        v128.store offset=5584 align=4
        i32.const 0
        local.get 41
        v128.store offset=5600 align=4
        i32.const 0
        local.get 42
        v128.store offset=5616 align=4
        i32.const 0
        local.get 51
        v128.store offset=5632 align=4
        i32.const 0
        local.get 52
        v128.store offset=5648 align=4
        i32.const 0
        local.get 53
        v128.store offset=5664 align=4
        i32.const 0
        local.get 54
        v128.store offset=5680 align=4
        local.get 2
        local.set 66
        i32.const 0
        local.set 65
        loop ;; label = @3
          local.get 65
          i32.const 3
          i32.shl
          i64.load offset=5504 align=4
          local.set 88
          local.get 65
          i32.const 2
          i32.shl
          f32.load offset=5632
          local.set 89
          local.get 88
          local.set 7
          local.get 7
          local.get 79
          i64.sub
          i64.const 2
          i64.rotr
          local.get 80
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i32.const 3
            local.get 7
            call 1
            local.tee 80
            global.set 3
            local.tee 79
            global.set 2
          end
          local.get 7
          i32.wrap_i64
          local.set 8
          local.get 8
          local.get 89
          f32.store 1
          local.get 2
          i32.const 1
          i32.add
          local.set 2
          local.get 65
          i32.const 1
          i32.add
          local.tee 65
          i32.const 16
          i32.lt_u
          br_if 0 (;@3;)
        end
        local.get 66
        local.set 2
      else
        local.get 35
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 51
        f32x4.extract_lane 0
        f32.store 1 align=1
        local.get 35
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 51
        f32x4.extract_lane 1
        f32.store 1 align=1
        local.get 36
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 51
        f32x4.extract_lane 2
        f32.store 1 align=1
        local.get 36
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 51
        f32x4.extract_lane 3
        f32.store 1 align=1
        local.get 37
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 52
        f32x4.extract_lane 0
        f32.store 1 align=1
        local.get 37
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 52
        f32x4.extract_lane 1
        f32.store 1 align=1
        local.get 38
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 52
        f32x4.extract_lane 2
        f32.store 1 align=1
        local.get 38
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 52
        f32x4.extract_lane 3
        f32.store 1 align=1
        local.get 39
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 53
        f32x4.extract_lane 0
        f32.store 1 align=1
        local.get 39
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 53
        f32x4.extract_lane 1
        f32.store 1 align=1
        local.get 40
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 53
        f32x4.extract_lane 2
        f32.store 1 align=1
        local.get 40
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 53
        f32x4.extract_lane 3
        f32.store 1 align=1
        local.get 41
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 54
        f32x4.extract_lane 0
        f32.store 1 align=1
        local.get 41
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 54
        f32x4.extract_lane 1
        f32.store 1 align=1
        local.get 42
        i64x2.extract_lane 0
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 54
        f32x4.extract_lane 2
        f32.store 1 align=1
        local.get 42
        i64x2.extract_lane 1
        i32.wrap_i64
        local.set 64
        local.get 64
        local.get 54
        f32x4.extract_lane 3
        f32.store 1 align=1
      end
      local.get 9
      i32.const 0
      i32.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
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
      br 0 (;@1;)
    end
    unreachable
  )
