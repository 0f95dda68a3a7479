package main

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	cpu, memory         = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
	nodeCPU, nodeMemory = "node_cpu_usage_seconds_total", "node_memory_working_set_bytes"
)

// A line of the kubelet's page: name, labels, value, milliseconds since 1970.
var line = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? (\S+) (\d+)$`)
var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// subject is a container, or with its node alone the node itself.
type subject struct{ node, namespace, pod, container string }

// sample is what was read of a subject at one time.
type sample struct {
	at          time.Time
	cpu, memory float64
}

// usage keeps the last two samples of each subject: CPU is told as seconds used so far.
type usage struct {
	lock       sync.Mutex
	last, then map[subject]sample
}

func newUsage() *usage {
	return &usage{last: map[subject]sample{}, then: map[subject]sample{}}
}

// take reads one node's page; what it doesn't speak of any more is forgotten.
func (u *usage) take(node, page string) {
	seen := parse(node, page)
	u.lock.Lock()
	defer u.lock.Unlock()
	for who, before := range u.last {
		if who.node != node {
			continue
		}
		now, still := seen[who]
		if !still {
			delete(u.last, who)
			delete(u.then, who)
		} else if now.at.After(before.at) {
			u.then[who] = before
		}
	}
	for who, now := range seen {
		u.last[who] = now
	}
}

func parse(node, page string) map[subject]sample {
	seen := map[subject]sample{}
	for _, text := range strings.Split(page, "\n") {
		found := line.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		who := subject{node: node}
		for _, pair := range label.FindAllStringSubmatch(found[2], -1) {
			switch pair[1] {
			case "namespace":
				who.namespace = pair[2]
			case "pod":
				who.pod = pair[2]
			case "container":
				who.container = pair[2]
			}
		}
		value, bad := strconv.ParseFloat(found[3], 64)
		milliseconds, worse := strconv.ParseInt(found[4], 10, 64)
		if bad != nil || worse != nil {
			continue
		}
		one := seen[who]
		switch found[1] {
		case cpu, nodeCPU:
			one.cpu, one.at = value, time.UnixMilli(milliseconds)
		case memory, nodeMemory:
			one.memory = value
		default:
			continue
		}
		seen[who] = one
	}
	return seen
}

// of tells what a subject used between its last two samples. Not ok: it was not seen twice, or began anew in between.
func (u *usage) of(node, namespace, pod, container string) (core.ResourceList, meta.Time, meta.Duration, bool) {
	u.lock.Lock()
	defer u.lock.Unlock()
	who := subject{node, namespace, pod, container}
	last, before := u.last[who], u.then[who]
	span := last.at.Sub(before.at)
	if before.at.IsZero() || span <= 0 || last.cpu < before.cpu {
		return nil, meta.Time{}, meta.Duration{}, false
	}
	cores := (last.cpu - before.cpu) / span.Seconds()
	used := core.ResourceList{
		core.ResourceCPU:    *resource.NewScaledQuantity(int64(cores*1e9), resource.Nano),
		core.ResourceMemory: *resource.NewQuantity(int64(last.memory), resource.BinarySI),
	}
	return used, meta.NewTime(last.at), meta.Duration{Duration: span}, true
}
