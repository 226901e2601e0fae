;; straight_line
(module
  (type (;0;) (func (param i32 i64 i64 i64 i64) (result i64)))
  (type (;1;) (func (param i32 i32 i64) (result i64 i64)))
  (type (;2;) (func (param i32 i32 i64)))
  (type (;3;) (func (param i32 i32 i64) (result i32)))
  (type (;4;) (func (result i64)))
  (type (;5;) (func (param i32 i32 i64 i64 i64 i64 i64) (result i64)))
  (type (;6;) (func (param i32 i32) (result i32)))
  (type (;7;) (func))
  (import "host" "libcall" (func (;0;) (type 0) (param i32 i64 i64 i64 i64) (result i64)))
  (import "host" "bounds_miss" (func (;1;) (type 1) (param i32 i32 i64) (result i64 i64)))
  (import "host" "fault" (func (;2;) (type 2) (param i32 i32 i64)))
  (import "host" "generic" (func (;3;) (type 3) (param i32 i32 i64) (result i32)))
  (import "host" "clock" (func (;4;) (type 4) (result i64)))
  (import "host" "builtin" (func (;5;) (type 5) (param i32 i32 i64 i64 i64 i64 i64) (result i64)))
  (memory (;0;) 18 18)
  (memory (;1;) 65536 65536)
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 0)
  (global (;2;) (mut i64) i64.const 0)
  (global (;3;) (mut i64) i64.const 0)
  (global (;4;) (mut i64) i64.const 0)
  (global (;5;) (mut i64) i64.const 0)
  (export "scalar" (func 6))
  (export "lane_groups" (func 7))
  (export "spill_uniform_frame" (func 8))
  (export "run" (func 9))
  (export "empty_bounds_caches" (func 10))
  (export "scratch" (memory 0))
  (export "device" (memory 1))
  (func (;6;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i64 i32 i64 i64 f32 f32 f32 i32 i64 i32 i64 i64 i64 f32 f32 f32 f32 f32 i64 f32 i32 i32 i64 i64 i64 i64)
    i32.const 0
    i64.load offset=256
    local.set 27
    i32.const 0
    f32.load offset=264
    local.set 28
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 29
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 30
    global.get 0
    local.set 31
    global.get 1
    local.set 32
    global.get 2
    local.set 33
    global.get 3
    local.set 34
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
    loop ;; label = @1
      block ;; label = @2
        block ;; label = @3
          block ;; label = @4
            loop ;; label = @5
              local.get 2
              i32.const 1
              i32.add
              local.tee 2
              local.get 1
              i32.ge_s
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                i32.const -1
                return
              end
              local.get 3
              i32.const 1
              i32.add
              local.tee 3
              i32.const 0
              i32.load offset=32
              i32.eq
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                i32.const 0
                local.set 3
                local.get 4
                i32.const 1
                i32.add
                local.set 4
                local.get 4
                i32.const 0
                i32.load offset=36
                i32.eq
                (@metadata.code.branch_hint "\00")
                if ;; label = @7
                  i32.const 0
                  local.set 4
                  local.get 5
                  i32.const 1
                  i32.add
                  local.set 5
                end
              end
              local.get 2
              i32.const 2
              i32.shl
              i32.load offset=320
              local.tee 6
              i32.const 0
              i32.lt_s
              br_if 0 (;@5;)
            end
            local.get 6
            i32.const 1073741823
            i32.and
            local.tee 6
            i32.eqz
            br_if 1 (;@3;)
            local.get 6
            br_table 1 (;@3;) 0 (;@4;)
          end
          i32.const 0
          local.set 6
          br 1 (;@2;)
        end
        i32.const 0
        local.set 6
        br 0 (;@2;)
      end
      local.get 27
      local.set 17
      local.get 3
      local.set 18
      local.get 18
      i64.extend_i32_u
      local.set 19
      local.get 19
      i64.const 4
      i64.mul
      local.set 20
      local.get 17
      local.get 20
      i64.add
      local.set 21
      local.get 28
      local.set 22
      local.get 21
      local.set 7
      local.get 7
      local.get 31
      i64.sub
      i64.const 2
      i64.rotr
      local.get 32
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        local.get 7
        call 1
        local.tee 32
        global.set 1
        local.tee 31
        global.set 0
        local.get 32
        i64.const 15
        i64.sub
        i64.const 0
        local.get 32
        i64.const 15
        i64.gt_u
        select
        global.set 4
      end
      local.get 7
      i32.wrap_i64
      f32.load 1
      local.set 23
      local.get 23
      local.get 22
      f32.mul
      local.set 24
      local.get 24
      f32.const nan:0x7fffff (;=NaN;)
      local.get 24
      local.get 24
      f32.eq
      select
      local.set 26
      local.get 21
      local.set 7
      local.get 7
      local.get 33
      i64.sub
      i64.const 2
      i64.rotr
      local.get 34
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 3
        local.get 7
        call 1
        local.tee 34
        global.set 3
        local.tee 33
        global.set 2
        local.get 34
        i64.const 15
        i64.sub
        i64.const 0
        local.get 34
        i64.const 15
        i64.gt_u
        select
        global.set 5
      end
      local.get 7
      i32.wrap_i64
      local.set 8
      local.get 8
      local.get 26
      f32.store 1
      local.get 2
      i32.const 2
      i32.shl
      i32.const -1
      i32.store offset=320
      br 0 (;@1;)
    end
    unreachable
  )
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 i64 f32 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i64 f32 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i64 i64 i64)
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
      local.set 38
      local.get 38
      local.get 1
      local.get 38
      local.get 1
      i32.lt_u
      select
      local.set 38
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 38
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
    local.set 47
    i32.const 0
    f32.load offset=264
    local.set 48
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 49
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 50
    global.get 0
    local.set 51
    global.get 1
    local.set 52
    global.get 2
    local.set 53
    global.get 3
    local.set 54
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
    local.set 55
    global.get 0
    local.set 56
    global.get 5
    local.set 57
    global.get 2
    local.set 58
    i32.const 0
    i32.load offset=96
    local.set 41
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
            local.get 41
            i32.or
            i32.const 0
            local.set 41
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
              local.tee 40
              local.get 6
              i32.const 1073741824
              i32.ge_u
              i32.or
              if ;; label = @6
                local.get 40
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
                local.set 38
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 38
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
        local.set 38
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 38
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
          local.get 47
          local.set 59
          local.get 3
          local.set 60
          i64.const 0
          local.get 60
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
          local.get 60
          i64.extend_i32_u
          local.set 61
          local.get 61
          i64.const 4
          i64.mul
          local.set 62
          local.get 59
          local.get 62
          i64.add
          local.set 63
          local.get 63
          local.get 56
          i64.sub
          i64.const 2
          i64.rotr
          local.get 55
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          local.get 63
          local.get 58
          i64.sub
          i64.const 2
          i64.rotr
          local.get 57
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
        local.set 38
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 38
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 47
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
      local.get 48
      local.set 15
      local.get 14
      i32.wrap_i64
      local.set 37
      local.get 37
      v128.load 1 align=1
      local.set 16
      local.get 37
      v128.load 1 offset=16 align=1
      local.set 17
      local.get 37
      v128.load 1 offset=32 align=1
      local.set 18
      local.get 37
      v128.load 1 offset=48 align=1
      local.set 19
      local.get 16
      local.get 15
      f32x4.splat
      f32x4.mul
      local.set 20
      local.get 17
      local.get 15
      f32x4.splat
      f32x4.mul
      local.set 21
      local.get 18
      local.get 15
      f32x4.splat
      f32x4.mul
      local.set 22
      local.get 19
      local.get 15
      f32x4.splat
      f32x4.mul
      local.set 23
      local.get 20
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 20
      local.get 20
      f32x4.eq
      v128.bitselect
      local.set 24
      local.get 21
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 21
      local.get 21
      f32x4.eq
      v128.bitselect
      local.set 25
      local.get 22
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 22
      local.get 22
      f32x4.eq
      v128.bitselect
      local.set 26
      local.get 23
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 23
      local.get 23
      f32x4.eq
      v128.bitselect
      local.set 27
      local.get 14
      i32.wrap_i64
      local.set 37
      local.get 24
      local.set 28
      local.get 37
      local.get 28
      v128.store 1 align=1
      local.get 25
      local.set 28
      local.get 37
      local.get 28
      v128.store 1 offset=16 align=1
      local.get 26
      local.set 28
      local.get 37
      local.get 28
      v128.store 1 offset=32 align=1
      local.get 27
      local.set 28
      local.get 37
      local.get 28
      v128.store 1 offset=48 align=1
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
  (func (;8;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i64 i32 i64 i64 i64 f32 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32)
    local.get 0
    i32.const -16
    i32.and
    local.set 2
    local.get 2
    i32.const 2
    i32.shr_u
    i32.load offset=4480
    i32.const 0
    i32.load offset=80
    i32.and
    i32.eqz
    if ;; label = @1
      i32.const 0
      return
    end
    local.get 2
    i32.const 2
    i32.shr_u
    i32.const 0
    i32.store offset=4480
    i32.const 0
  )
  (func (;9;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32)
    loop ;; label = @1
      local.get 0
      local.get 1
      call 7
      local.tee 2
      i32.const 1073741824
      i32.lt_s
      if ;; label = @2
        local.get 2
        return
      end
      local.get 2
      i32.const 4095
      i32.and
      local.get 2
      i32.const 1073741823
      i32.and
      i32.const 12
      i32.shr_u
      local.set 3
      local.tee 4
      local.get 3
      call 8
      drop
      local.get 4
      local.get 3
      call 6
      local.tee 2
      i32.const 0
      i32.ge_s
      if ;; label = @2
        local.get 2
        return
      end
      i32.const 0
      i32.const 0
      i32.const 0
      i32.load offset=92
      i32.const 0
      i32.ne
      local.tee 2
      i32.sub
      i32.store offset=96
      local.get 4
      local.get 3
      local.get 2
      select
      local.set 0
      br 0 (;@1;)
    end
    unreachable
  )
  (func (;10;) (type 7)
    i64.const 0
    global.set 0
    i64.const 0
    global.set 1
    i64.const 0
    global.set 2
    i64.const 0
    global.set 3
    i64.const 0
    global.set 4
    i64.const 0
    global.set 5
  )
)

