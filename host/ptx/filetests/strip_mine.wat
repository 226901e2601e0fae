;; strip_mine
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i64 i32 i64 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 i64 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i32 i64 i64 i64 i64 i64)
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
      local.set 118
      local.get 118
      local.get 1
      local.get 118
      local.get 1
      i32.lt_u
      select
      local.set 118
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 118
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
    local.set 122
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 123
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 124
    global.get 0
    local.set 125
    global.get 1
    local.set 126
    global.get 2
    local.set 127
    global.get 3
    local.set 128
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
    local.set 129
    global.get 0
    local.set 130
    global.get 5
    local.set 131
    global.get 2
    local.set 132
    i32.const 0
    i32.load offset=96
    local.set 121
    i32.const 0
    i32.const 0
    i32.store offset=96
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
                if ;; label = @7
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
                  if ;; label = @8
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
                    if ;; label = @9
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
              local.get 121
              i32.or
              i32.const 0
              local.set 121
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
                local.tee 120
                local.get 6
                i32.const 1073741824
                i32.ge_u
                i32.or
                if ;; label = @7
                  local.get 120
                  i32.eqz
                  local.get 6
                  i32.const 0
                  i32.lt_s
                  i32.and
                  if ;; label = @8
                    br 3 (;@5;)
                  end
                  local.get 2
                  i32.const 16
                  i32.add
                  local.set 118
                  i32.const 0
                  i32.const 0
                  i32.store offset=92
                  local.get 118
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
            br_if 1 (;@3;)
            local.get 6
            br_table 1 (;@3;) 0 (;@4;)
          end
          local.get 2
          i32.const 2
          i32.shr_u
          i32.load offset=4480
          i32.eqz
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i32.const 2
            i32.shr_u
            i32.const 1
            i32.store offset=4480
          end
          i32.const 0
          local.set 6
          br 1 (;@2;)
        end
        i32.const 0
        local.set 6
        br 0 (;@2;)
      end
      block ;; label = @2
        block ;; label = @3
          local.get 122
          local.set 133
          local.get 133
          local.set 134
          local.get 3
          local.set 135
          local.get 135
          local.set 136
          i64.const 0
          local.get 136
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
          local.get 136
          i64.extend_i32_u
          local.set 137
          local.get 137
          i64.const 4
          i64.mul
          local.set 138
          local.get 138
          local.set 139
          local.get 134
          local.get 139
          i64.add
          local.set 140
          local.get 140
          local.set 141
          local.get 141
          local.get 130
          i64.sub
          i64.const 2
          i64.rotr
          local.get 129
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          local.get 141
          local.get 132
          i64.sub
          i64.const 2
          i64.rotr
          local.get 131
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
        local.set 118
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 118
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 122
      local.set 51
      local.get 51
      local.set 10
      local.get 3
      local.set 52
      local.get 52
      local.set 11
      local.get 11
      i64.extend_i32_u
      local.set 53
      local.get 53
      i64.const 4
      i64.mul
      local.set 54
      local.get 54
      local.set 12
      local.get 10
      local.get 12
      i64.add
      local.set 55
      local.get 55
      local.set 13
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 align=1
      local.set 56
      local.get 56
      local.set 14
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=64 align=1
      local.set 60
      local.get 60
      local.set 18
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=128 align=1
      local.set 64
      local.get 64
      local.set 22
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=192 align=1
      local.set 68
      local.get 68
      local.set 26
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=256 align=1
      local.set 72
      local.get 72
      local.set 30
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=320 align=1
      local.set 76
      local.get 76
      local.set 34
      local.get 14
      local.get 18
      local.get 22
      f32x4.relaxed_madd
      local.set 80
      local.get 80
      local.set 84
      local.get 84
      local.set 38
      local.get 26
      local.get 30
      local.get 38
      f32x4.relaxed_madd
      local.set 88
      local.get 88
      local.set 92
      local.get 92
      local.set 42
      i32.const 0
      local.get 34
      v128.store offset=5504 align=4
      i32.const 0
      local.get 42
      v128.store offset=5504 align=4
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=16 align=1
      local.set 57
      local.get 57
      local.set 15
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=80 align=1
      local.set 61
      local.get 61
      local.set 19
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=144 align=1
      local.set 65
      local.get 65
      local.set 23
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=208 align=1
      local.set 69
      local.get 69
      local.set 27
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=272 align=1
      local.set 73
      local.get 73
      local.set 31
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=336 align=1
      local.set 77
      local.get 77
      local.set 35
      local.get 15
      local.get 19
      local.get 23
      f32x4.relaxed_madd
      local.set 81
      local.get 81
      local.set 85
      local.get 85
      local.set 39
      local.get 27
      local.get 31
      local.get 39
      f32x4.relaxed_madd
      local.set 89
      local.get 89
      local.set 93
      local.get 93
      local.set 43
      i32.const 0
      local.get 35
      v128.store offset=5520 align=4
      i32.const 0
      local.get 43
      v128.store offset=5520 align=4
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=32 align=1
      local.set 58
      local.get 58
      local.set 16
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=96 align=1
      local.set 62
      local.get 62
      local.set 20
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=160 align=1
      local.set 66
      local.get 66
      local.set 24
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=224 align=1
      local.set 70
      local.get 70
      local.set 28
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=288 align=1
      local.set 74
      local.get 74
      local.set 32
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=352 align=1
      local.set 78
      local.get 78
      local.set 36
      local.get 16
      local.get 20
      local.get 24
      f32x4.relaxed_madd
      local.set 82
      local.get 82
      local.set 86
      local.get 86
      local.set 40
      local.get 28
      local.get 32
      local.get 40
      f32x4.relaxed_madd
      local.set 90
      local.get 90
      local.set 94
      local.get 94
      local.set 44
      i32.const 0
      local.get 36
      v128.store offset=5536 align=4
      i32.const 0
      local.get 44
      v128.store offset=5536 align=4
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=48 align=1
      local.set 59
      local.get 59
      local.set 17
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=112 align=1
      local.set 63
      local.get 63
      local.set 21
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=176 align=1
      local.set 67
      local.get 67
      local.set 25
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=240 align=1
      local.set 71
      local.get 71
      local.set 29
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=304 align=1
      local.set 75
      local.get 75
      local.set 33
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 117
      v128.load 1 offset=368 align=1
      local.set 79
      local.get 79
      local.set 37
      local.get 17
      local.get 21
      local.get 25
      f32x4.relaxed_madd
      local.set 83
      local.get 83
      local.set 87
      local.get 87
      local.set 41
      local.get 29
      local.get 33
      local.get 41
      f32x4.relaxed_madd
      local.set 91
      local.get 91
      local.set 95
      local.get 95
      local.set 45
      i32.const 0
      local.get 37
      v128.store offset=5552 align=4
      i32.const 0
      local.get 45
      v128.store offset=5552 align=4
      local.get 42
      local.get 34
      f32x4.add
      local.set 96
      local.get 43
      local.get 35
      f32x4.add
      local.set 97
      local.get 44
      local.get 36
      f32x4.add
      local.set 98
      local.get 45
      local.get 37
      f32x4.add
      local.set 99
      local.get 96
      local.set 100
      local.get 97
      local.set 101
      local.get 98
      local.set 102
      local.get 99
      local.set 103
      local.get 100
      local.set 46
      local.get 101
      local.set 47
      local.get 102
      local.set 48
      local.get 103
      local.set 49
      local.get 46
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 46
      local.get 46
      f32x4.eq
      v128.bitselect
      local.set 104
      local.get 47
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 47
      local.get 47
      f32x4.eq
      v128.bitselect
      local.set 105
      local.get 48
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 48
      local.get 48
      f32x4.eq
      v128.bitselect
      local.set 106
      local.get 49
      v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff
      local.get 49
      local.get 49
      f32x4.eq
      v128.bitselect
      local.set 107
      local.get 13
      i32.wrap_i64
      local.set 117
      local.get 104
      local.set 108
      local.get 117
      local.get 108
      v128.store 1 align=1
      local.get 105
      local.set 108
      local.get 117
      local.get 108
      v128.store 1 offset=16 align=1
      local.get 106
      local.set 108
      local.get 117
      local.get 108
      v128.store 1 offset=32 align=1
      local.get 107
      local.set 108
      local.get 117
      local.get 108
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
