;; assertion
;; function "lane_groups"
  (func (;7;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i32 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 i64 i64 v128 v128 v128 v128 i32 i64 i64 i32 i64 i64 i64 i32 i32 i64 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 i64 i64 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 i32 v128 v128 v128 v128 v128 v128 v128 v128 i64 i32 i64 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i64 i64 i64)
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
      local.set 73
      local.get 73
      local.get 1
      local.get 73
      local.get 1
      i32.lt_u
      select
      local.set 73
      i32.const 0
      i32.const 0
      i32.store offset=92
      local.get 73
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
    local.set 90
    i32.const 0
    i32.load offset=264
    local.set 91
    i32.const 0
    i64.load offset=320
    local.set 92
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 93
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 94
    global.get 0
    local.set 95
    global.get 1
    local.set 96
    global.get 2
    local.set 97
    global.get 3
    local.set 98
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
    local.set 99
    global.get 0
    local.set 100
    global.get 5
    local.set 101
    global.get 2
    local.set 102
    i32.const 0
    i32.load offset=96
    local.set 76
    i32.const 0
    i32.const 0
    i32.store offset=96
    loop ;; label = @1
      block ;; label = @2
        block ;; label = @3
          block ;; label = @4
            block ;; label = @5
              block ;; label = @6
                block ;; label = @7
                  block ;; label = @8
                    block ;; label = @9
                      block ;; label = @10
                        block ;; label = @11
                          block ;; label = @12
                            loop ;; label = @13
                              local.get 2
                              i32.const 16
                              i32.add
                              local.tee 2
                              i32.const 16
                              i32.add
                              local.get 1
                              i32.gt_s
                              (@metadata.code.branch_hint "\00")
                              if ;; label = @14
                                local.get 2
                                local.get 1
                                i32.lt_s
                                if ;; label = @15
                                  local.get 9
                                  i32.const 0
                                  i32.ge_s
                                  if ;; label = @16
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
                                if ;; label = @15
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
                                  if ;; label = @16
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
                                    if ;; label = @17
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
                                  br 2 (;@13;)
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
                              if ;; label = @14
                                i32.const 0
                                local.set 3
                                local.get 4
                                i32.const 1
                                i32.add
                                local.tee 4
                                i32.const 0
                                i32.load offset=36
                                i32.ge_u
                                if ;; label = @15
                                  i32.const 0
                                  local.set 4
                                  local.get 5
                                  i32.const 1
                                  i32.add
                                  local.set 5
                                end
                              end
                              local.get 9
                              local.get 76
                              i32.or
                              i32.const 0
                              local.set 76
                              local.tee 6
                              i32.const 0
                              i32.lt_s
                              (@metadata.code.branch_hint "\00")
                              if ;; label = @14
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
                                local.tee 75
                                local.get 6
                                i32.const 1073741824
                                i32.ge_u
                                i32.or
                                if ;; label = @15
                                  local.get 75
                                  i32.eqz
                                  local.get 6
                                  i32.const 0
                                  i32.lt_s
                                  i32.and
                                  if ;; label = @16
                                    br 3 (;@13;)
                                  end
                                  local.get 2
                                  i32.const 16
                                  i32.add
                                  local.set 73
                                  i32.const 0
                                  i32.const 0
                                  i32.store offset=92
                                  local.get 73
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
                            br_if 5 (;@7;)
                            local.get 6
                            br_table 5 (;@7;) 4 (;@8;) 3 (;@9;) 2 (;@10;) 1 (;@11;) 0 (;@12;)
                          end
                          local.get 2
                          i32.const 2
                          i32.shr_u
                          i32.load offset=4544
                          i32.eqz
                          (@metadata.code.branch_hint "\00")
                          if ;; label = @12
                            local.get 2
                            i32.const 2
                            i32.shr_u
                            i32.const 1
                            i32.store offset=4544
                            local.get 2
                            i32.const 4
                            i32.mul
                            local.get 2
                            i32.const 3
                            i32.shl
                            i64.load offset=15872 align=4
                            i64.store offset=28288 align=4
                          end
                          local.get 2
                          i32.const 2
                          i32.shl
                          v128.load offset=11712 align=4
                          local.set 15
                          local.get 2
                          i32.const 2
                          i32.shl
                          v128.load offset=11728 align=4
                          local.set 16
                          local.get 2
                          i32.const 2
                          i32.shl
                          v128.load offset=11744 align=4
                          local.set 17
                          local.get 2
                          i32.const 2
                          i32.shl
                          v128.load offset=11760 align=4
                          local.set 18
                          local.get 2
                          i32.const 4
                          i32.mul
                          i64.load offset=28288 align=4
                          local.set 14
                          i32.const 0
                          local.set 6
                          br 8 (;@3;)
                        end
                        local.get 2
                        i32.const 2
                        i32.shr_u
                        i32.load offset=4544
                        i32.eqz
                        (@metadata.code.branch_hint "\00")
                        if ;; label = @11
                          local.get 2
                          i32.const 2
                          i32.shr_u
                          i32.const 1
                          i32.store offset=4544
                          local.get 2
                          i32.const 4
                          i32.mul
                          local.get 2
                          i32.const 3
                          i32.shl
                          i64.load offset=15872 align=4
                          i64.store offset=28288 align=4
                        end
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=11712 align=4
                        local.set 15
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=11728 align=4
                        local.set 16
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=11744 align=4
                        local.set 17
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=11760 align=4
                        local.set 18
                        local.get 2
                        i32.const 4
                        i32.mul
                        i64.load offset=28288 align=4
                        local.set 14
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=24128 align=4
                        i32x4.neg
                        local.set 45
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=24144 align=4
                        i32x4.neg
                        local.set 46
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=24160 align=4
                        i32x4.neg
                        local.set 47
                        local.get 2
                        i32.const 2
                        i32.shl
                        v128.load offset=24176 align=4
                        i32x4.neg
                        local.set 48
                        i32.const 0
                        local.set 6
                        br 5 (;@5;)
                      end
                      local.get 2
                      i32.const 2
                      i32.shr_u
                      i32.load offset=4544
                      i32.eqz
                      (@metadata.code.branch_hint "\00")
                      if ;; label = @10
                        local.get 2
                        i32.const 2
                        i32.shr_u
                        i32.const 1
                        i32.store offset=4544
                      end
                      i32.const 0
                      local.set 6
                      br 5 (;@4;)
                    end
                    local.get 2
                    i32.const 2
                    i32.shr_u
                    i32.load offset=4544
                    i32.eqz
                    (@metadata.code.branch_hint "\00")
                    if ;; label = @9
                      local.get 2
                      i32.const 2
                      i32.shr_u
                      i32.const 1
                      i32.store offset=4544
                      local.get 2
                      i32.const 4
                      i32.mul
                      local.get 2
                      i32.const 3
                      i32.shl
                      i64.load offset=15872 align=4
                      i64.store offset=28288 align=4
                    end
                    local.get 2
                    i32.const 2
                    i32.shl
                    v128.load offset=11712 align=4
                    local.set 15
                    local.get 2
                    i32.const 2
                    i32.shl
                    v128.load offset=11728 align=4
                    local.set 16
                    local.get 2
                    i32.const 2
                    i32.shl
                    v128.load offset=11744 align=4
                    local.set 17
                    local.get 2
                    i32.const 2
                    i32.shl
                    v128.load offset=11760 align=4
                    local.set 18
                    local.get 2
                    i32.const 4
                    i32.mul
                    i64.load offset=28288 align=4
                    local.set 14
                    i32.const 0
                    local.set 6
                    br 6 (;@2;)
                  end
                  local.get 2
                  i32.const 2
                  i32.shr_u
                  i32.load offset=4544
                  i32.eqz
                  (@metadata.code.branch_hint "\00")
                  if ;; label = @8
                    local.get 2
                    i32.const 2
                    i32.shr_u
                    i32.const 1
                    i32.store offset=4544
                  end
                  i32.const 0
                  local.set 6
                  br 1 (;@6;)
                end
                i32.const 0
                local.set 6
                br 0 (;@6;)
              end
              block ;; label = @6
                block ;; label = @7
                  local.get 90
                  local.set 103
                  local.get 3
                  local.set 104
                  i64.const 0
                  local.get 104
                  i64.extend_i32_u
                  i64.const 15
                  i64.add
                  i64.const 32
                  i64.shr_u
                  i64.or
                  i64.eqz
                  i32.eqz
                  (@metadata.code.branch_hint "\00")
                  br_if 0 (;@7;)
                  local.get 104
                  i64.extend_i32_u
                  local.set 105
                  local.get 105
                  i64.const 4
                  i64.mul
                  local.set 106
                  local.get 103
                  local.get 106
                  i64.add
                  local.set 107
                  local.get 107
                  local.get 100
                  i64.sub
                  i64.const 2
                  i64.rotr
                  local.get 99
                  i64.ge_u
                  (@metadata.code.branch_hint "\00")
                  br_if 0 (;@7;)
                  br 1 (;@6;)
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
                local.set 73
                i32.const 0
                i32.const 0
                i32.store offset=92
                local.get 73
                i32.const 12
                i32.shl
                local.get 2
                i32.or
                i32.const 1073741824
                i32.or
                return
              end
              local.get 90
              local.set 35
              local.get 35
              local.set 10
              local.get 91
              local.set 36
              local.get 36
              local.set 11
              local.get 3
              local.set 37
              local.get 37
              local.set 12
              local.get 37
              i64.extend_i32_u
              local.set 38
              local.get 38
              i64.const 4
              i64.mul
              local.set 39
              local.get 39
              local.set 13
              local.get 35
              local.get 39
              i64.add
              local.set 40
              local.get 40
              local.set 14
              local.get 40
              i32.wrap_i64
              local.set 72
              local.get 72
              v128.load 1 align=1
              local.set 41
              local.get 72
              v128.load 1 offset=16 align=1
              local.set 42
              local.get 72
              v128.load 1 offset=32 align=1
              local.set 43
              local.get 72
              v128.load 1 offset=48 align=1
              local.set 44
              local.get 41
              local.set 15
              local.get 42
              local.set 16
              local.get 43
              local.set 17
              local.get 44
              local.set 18
              local.get 41
              local.get 36
              i32x4.splat
              i32x4.lt_u
              local.set 45
              local.get 42
              local.get 36
              i32x4.splat
              i32x4.lt_u
              local.set 46
              local.get 43
              local.get 36
              i32x4.splat
              i32x4.lt_u
              local.set 47
              local.get 44
              local.get 36
              i32x4.splat
              i32x4.lt_u
              local.set 48
              local.get 45
              local.set 19
              local.get 46
              local.set 20
              local.get 47
              local.set 21
              local.get 48
              local.set 22
              br 0 (;@5;)
            end
            local.get 45
            local.tee 63
            local.set 64
            local.get 46
            local.tee 65
            local.get 63
            v128.or
            local.set 63
            local.get 65
            local.get 64
            v128.and
            local.set 64
            local.get 47
            local.tee 65
            local.get 63
            v128.or
            local.set 63
            local.get 65
            local.get 64
            v128.and
            local.set 64
            local.get 48
            local.tee 65
            local.get 63
            v128.or
            local.set 63
            local.get 65
            local.get 64
            v128.and
            local.set 64
            local.get 63
            v128.any_true
            local.tee 75
            local.get 64
            i32x4.all_true
            i32.ne
            if ;; label = @5
              local.get 2
              i32.const 2
              i32.shl
              local.get 15
              v128.store offset=11712 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 16
              v128.store offset=11728 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 17
              v128.store offset=11744 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 18
              v128.store offset=11760 align=4
              local.get 2
              i32.const 4
              i32.mul
              local.get 14
              i64.store offset=28288 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 45
              v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
              v128.and
              v128.store offset=24128 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 46
              v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
              v128.and
              v128.store offset=24144 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 47
              v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
              v128.and
              v128.store offset=24160 align=4
              local.get 2
              i32.const 2
              i32.shl
              local.get 48
              v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
              v128.and
              v128.store offset=24176 align=4
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
              local.set 73
              i32.const 0
              i32.const 5
              i32.store offset=92
              local.get 73
              i32.const 12
              i32.shl
              local.get 2
              i32.or
              i32.const 1073741824
              i32.or
              return
            end
            local.get 75
            if ;; label = @5
              i32.const 0
              if ;; label = @6
                br 5 (;@1;)
              else
                br 3 (;@3;)
              end
            else
              br 1 (;@4;)
            end
          end
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
          local.set 73
          i32.const 0
          i32.const 0
          i32.store offset=92
          local.get 73
          i32.const 12
          i32.shl
          local.get 2
          i32.or
          i32.const 1073741824
          i32.or
          return
          unreachable
        end
        br 0 (;@2;)
      end
      block ;; label = @2
        block ;; label = @3
          local.get 14
          local.get 102
          i64.sub
          i64.const 2
          i64.rotr
          local.get 101
          i64.ge_u
          (@metadata.code.branch_hint "\00")
          br_if 0 (;@3;)
          br 1 (;@2;)
        end
        local.get 2
        i32.const 2
        i32.shl
        local.get 15
        v128.store offset=11712 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 16
        v128.store offset=11728 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 17
        v128.store offset=11744 align=4
        local.get 2
        i32.const 2
        i32.shl
        local.get 18
        v128.store offset=11760 align=4
        local.get 2
        i32.const 4
        i32.mul
        local.get 14
        i64.store offset=28288 align=4
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
        local.set 73
        i32.const 0
        i32.const 0
        i32.store offset=92
        local.get 73
        i32.const 12
        i32.shl
        local.get 2
        i32.or
        i32.const 1073741824
        i32.or
        return
      end
      local.get 15
      v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
      i32x4.add
      local.set 59
      local.get 16
      v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
      i32x4.add
      local.set 60
      local.get 17
      v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
      i32x4.add
      local.set 61
      local.get 18
      v128.const i32x4 0x00000001 0x00000001 0x00000001 0x00000001
      i32x4.add
      local.set 62
      local.get 59
      local.set 25
      local.get 60
      local.set 26
      local.get 61
      local.set 27
      local.get 62
      local.set 28
      local.get 14
      i32.wrap_i64
      local.set 72
      local.get 59
      local.set 63
      local.get 72
      local.get 63
      v128.store 1 align=1
      local.get 60
      local.set 63
      local.get 72
      local.get 63
      v128.store 1 offset=16 align=1
      local.get 61
      local.set 63
      local.get 72
      local.get 63
      v128.store 1 offset=32 align=1
      local.get 62
      local.set 63
      local.get 72
      local.get 63
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
      br 0 (;@1;)
    end
    unreachable
  )
