;; barrier
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 i64 i32 i64 i64 i64 v128 v128 v128 v128 i32 i32 i32 i32 v128 v128 v128 v128 i32 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 v128 v128 v128 v128 v128 v128 v128 v128 i64 i32 i32 i64 i64 i64 i64 i32 i64 i64 i64 i64 i32 i32 i64 i32 i64 i64 i64 i32 i32 i32)
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
      local.set 56
      local.get 56
      local.get 1
      local.get 56
      local.get 1
      i32.lt_u
      select
      local.set 56
      i32.const 0
      i32.const 0
      i32.store offset=92
      i32.const 0
      i32.const 1
      i32.store offset=100
      local.get 56
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
    local.set 73
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 74
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 75
    global.get 0
    local.set 76
    global.get 1
    local.set 77
    global.get 2
    local.set 78
    global.get 3
    local.set 79
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
    i32.load offset=32320
    local.set 80
    global.get 4
    local.set 81
    global.get 0
    local.set 82
    global.get 5
    local.set 83
    global.get 2
    local.set 84
    i32.const 0
    i32.load offset=96
    local.set 59
    i32.const 0
    i32.const 0
    i32.store offset=96
    i32.const 0
    i32.load offset=100
    i32.const 0
    local.get 0
    local.get 59
    i32.or
    select
    local.set 45
    loop ;; label = @1
      block ;; label = @2
        block ;; label = @3
          block ;; label = @4
            block ;; label = @5
              block ;; label = @6
                block ;; label = @7
                  loop ;; label = @8
                    local.get 2
                    i32.const 16
                    i32.add
                    local.tee 2
                    i32.const 16
                    i32.add
                    local.get 1
                    i32.gt_s
                    (@metadata.code.branch_hint "\00")
                    if ;; label = @9
                      local.get 2
                      local.get 1
                      i32.lt_s
                      if ;; label = @10
                        local.get 9
                        i32.const 0
                        i32.ge_s
                        if ;; label = @11
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
                      local.set 58
                      local.get 45
                      i32.const -2
                      i32.eq
                      if ;; label = @10
                        i32.const 1
                        local.set 58
                      end
                      local.get 9
                      local.get 58
                      i32.or
                      i32.const 0
                      i32.ge_s
                      i32.const 0
                      i32.atomic.load offset=1114112
                      i32.eqz
                      i32.and
                      if ;; label = @10
                        i32.const 0
                        local.get 58
                        local.tee 9
                        i32.store offset=84
                        i32.const 0
                        local.set 45
                        i32.const -16
                        local.set 2
                        i32.const -16
                        local.set 3
                        i32.const 0
                        local.set 4
                        i32.const 0
                        local.set 5
                        br 2 (;@8;)
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
                    if ;; label = @9
                      i32.const 0
                      local.set 3
                      local.get 4
                      i32.const 1
                      i32.add
                      local.tee 4
                      i32.const 0
                      i32.load offset=36
                      i32.ge_u
                      if ;; label = @10
                        i32.const 0
                        local.set 4
                        local.get 5
                        i32.const 1
                        i32.add
                        local.set 5
                      end
                    end
                    local.get 9
                    local.get 59
                    i32.or
                    i32.const 0
                    local.set 59
                    local.tee 6
                    i32.const 0
                    i32.lt_s
                    (@metadata.code.branch_hint "\00")
                    if ;; label = @9
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
                      local.tee 58
                      local.get 6
                      i32.const 1073741824
                      i32.ge_u
                      i32.or
                      if ;; label = @10
                        local.get 58
                        i32.eqz
                        local.get 6
                        i32.const 0
                        i32.lt_s
                        i32.and
                        if ;; label = @11
                          i32.const 1
                          local.set 45
                          br 3 (;@8;)
                        end
                        local.get 2
                        i32.const 16
                        i32.add
                        local.set 56
                        i32.const 0
                        i32.const 0
                        i32.store offset=92
                        i32.const 0
                        i32.const 1
                        i32.store offset=100
                        local.get 56
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
                  br_if 4 (;@3;)
                  local.get 6
                  br_table 4 (;@3;) 2 (;@5;) 1 (;@6;) 0 (;@7;)
                end
                local.get 2
                i32.const 2
                i32.shr_u
                i32.load offset=4480
                i32.eqz
                (@metadata.code.branch_hint "\00")
                if ;; label = @7
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
                  i32.load offset=11648
                  i32.store offset=28224
                  local.get 2
                  i32.const 4
                  i32.mul
                  local.get 2
                  i32.const 2
                  i32.shl
                  i32.load offset=15808
                  i32.store offset=28228
                  local.get 2
                  i32.const 4
                  i32.mul
                  local.get 2
                  i32.const 3
                  i32.shl
                  i64.load offset=19968 align=4
                  i64.store offset=28232 align=4
                end
                local.get 2
                i32.const 4
                i32.mul
                i32.load offset=28224
                local.set 19
                local.get 2
                i32.const 4
                i32.mul
                i32.load offset=28228
                local.set 18
                local.get 2
                i32.const 4
                i32.mul
                i64.load offset=28232 align=4
                local.set 13
                i32.const 0
                local.set 6
                br 2 (;@4;)
              end
              local.get 2
              i32.const 2
              i32.shr_u
              i32.load offset=4480
              i32.eqz
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                local.get 2
                i32.const 2
                i32.shr_u
                i32.const 1
                i32.store offset=4480
              end
              i32.const 0
              local.set 6
              br 3 (;@2;)
            end
            local.get 2
            i32.const 2
            i32.shr_u
            i32.load offset=4480
            i32.eqz
            (@metadata.code.branch_hint "\00")
            if ;; label = @5
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
              i32.load offset=11648
              i32.store offset=28224
              local.get 2
              i32.const 4
              i32.mul
              local.get 2
              i32.const 2
              i32.shl
              i32.load offset=15808
              i32.store offset=28228
              local.get 2
              i32.const 4
              i32.mul
              local.get 2
              i32.const 3
              i32.shl
              i64.load offset=19968 align=4
              i64.store offset=28232 align=4
            end
            local.get 2
            i32.const 4
            i32.mul
            i32.load offset=28224
            local.set 19
            local.get 2
            i32.const 4
            i32.mul
            i32.load offset=28228
            local.set 18
            local.get 2
            i32.const 4
            i32.mul
            i64.load offset=28232 align=4
            local.set 13
            i32.const 0
            local.set 6
            br 0 (;@4;)
          end
          block ;; label = @4
            block ;; label = @5
              local.get 19
              i32.const 4
              i32.xor
              local.set 85
              local.get 18
              local.get 85
              i32.add
              local.set 86
              local.get 86
              i32.const -4
              i32.add
              i32.const 2
              i32.rotr
              local.get 80
              i32.ge_u
              (@metadata.code.branch_hint "\00")
              br_if 0 (;@5;)
              local.get 13
              local.get 84
              i64.sub
              i64.const 2
              i64.rotr
              local.get 83
              i64.ge_u
              (@metadata.code.branch_hint "\00")
              br_if 0 (;@5;)
              br 1 (;@4;)
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
            local.set 56
            i32.const 0
            i32.const 0
            i32.store offset=92
            i32.const 0
            i32.const 1
            i32.store offset=100
            local.get 56
            i32.const 12
            i32.shl
            local.get 2
            i32.or
            i32.const 1073741824
            i32.or
            return
          end
          local.get 19
          i32.const 4
          i32.xor
          local.set 39
          local.get 39
          local.set 21
          local.get 18
          local.get 39
          i32.add
          local.set 40
          local.get 40
          local.set 22
          local.get 40
          i32.const -4
          i32.add
          local.set 55
          local.get 55
          v128.load32_zero offset=32516 align=1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32512 align=1 1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32524 align=1 2
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32520 align=1 3
          local.set 41
          local.get 55
          v128.load32_zero offset=32532 align=1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32528 align=1 1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32540 align=1 2
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32536 align=1 3
          local.set 42
          local.get 55
          v128.load32_zero offset=32548 align=1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32544 align=1 1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32556 align=1 2
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32552 align=1 3
          local.set 43
          local.get 55
          v128.load32_zero offset=32564 align=1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32560 align=1 1
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32572 align=1 2
          local.set 46
          local.get 55
          local.get 46
          v128.load32_lane offset=32568 align=1 3
          local.set 44
          local.get 41
          local.set 23
          local.get 42
          local.set 24
          local.get 43
          local.set 25
          local.get 44
          local.set 26
          local.get 13
          i32.wrap_i64
          local.set 55
          local.get 41
          local.set 46
          local.get 55
          local.get 46
          v128.store 1 align=1
          local.get 42
          local.set 46
          local.get 55
          local.get 46
          v128.store 1 offset=16 align=1
          local.get 43
          local.set 46
          local.get 55
          local.get 46
          v128.store 1 offset=32 align=1
          local.get 44
          local.set 46
          local.get 55
          local.get 46
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
          local.get 45
          i32.eqz
          local.get 45
          i32.const -1
          i32.eq
          i32.or
          select
          local.set 45
          br 2 (;@1;)
        end
        i32.const 0
        local.set 6
        br 0 (;@2;)
      end
      block ;; label = @2
        block ;; label = @3
          local.get 73
          local.set 87
          local.get 3
          local.set 88
          i64.const 0
          local.get 88
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
          local.get 88
          i64.extend_i32_u
          local.set 89
          local.get 89
          i64.const 4
          i64.mul
          local.set 90
          local.get 87
          local.get 90
          i64.add
          local.set 91
          local.get 91
          local.get 82
          i64.sub
          i64.const 2
          i64.rotr
          local.get 81
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          i32.const 0
          local.set 92
          local.get 88
          i32.const 2
          i32.shl
          local.set 93
          local.get 92
          local.get 93
          i32.add
          local.set 94
          local.get 94
          i32.const 2
          i32.rotr
          local.get 80
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
        local.set 56
        i32.const 0
        i32.const 0
        i32.store offset=92
        i32.const 0
        i32.const 1
        i32.store offset=100
        local.get 56
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 73
      local.set 28
      local.get 28
      local.set 10
      local.get 3
      local.set 29
      local.get 29
      local.set 11
      local.get 29
      i64.extend_i32_u
      local.set 30
      local.get 30
      i64.const 4
      i64.mul
      local.set 31
      local.get 31
      local.set 12
      local.get 28
      local.get 31
      i64.add
      local.set 32
      local.get 32
      local.set 13
      local.get 32
      i32.wrap_i64
      local.set 55
      local.get 55
      v128.load 1 align=1
      local.set 33
      local.get 55
      v128.load 1 offset=16 align=1
      local.set 34
      local.get 55
      v128.load 1 offset=32 align=1
      local.set 35
      local.get 55
      v128.load 1 offset=48 align=1
      local.set 36
      local.get 33
      local.set 14
      local.get 34
      local.set 15
      local.get 35
      local.set 16
      local.get 36
      local.set 17
      i32.const 0
      local.set 18
      local.get 29
      i32.const 2
      i32.shl
      local.set 37
      local.get 37
      local.set 19
      local.get 18
      local.get 37
      i32.add
      local.set 38
      local.get 38
      local.set 20
      local.get 38
      local.set 55
      local.get 33
      local.set 46
      local.get 55
      local.get 46
      v128.store offset=32512 align=1
      local.get 34
      local.set 46
      local.get 55
      local.get 46
      v128.store offset=32528 align=1
      local.get 35
      local.set 46
      local.get 55
      local.get 46
      v128.store offset=32544 align=1
      local.get 36
      local.set 46
      local.get 55
      local.get 46
      v128.store offset=32560 align=1
      local.get 2
      i32.const 4
      i32.mul
      local.get 19
      i32.store offset=28224
      local.get 2
      i32.const 4
      i32.mul
      local.get 18
      i32.store offset=28228
      local.get 2
      i32.const 4
      i32.mul
      local.get 13
      i64.store offset=28232 align=4
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
      local.get 45
      i32.eqz
      local.get 45
      i32.const -2
      i32.eq
      i32.or
      select
      local.set 45
      br 0 (;@1;)
    end
    unreachable
  )
