package bench

import (
	"context"
	"fmt"
	"slices"
)

// SignalFigures are those of one way of sending at one number of callers, over the rounds. CPU is in microseconds a
// call, 0 where the system does not tell. The ratios are to the SDK's call in the same round.
type SignalFigures struct {
	Way       string `json:"way"`
	Callers   int    `json:"callers"`
	Rounds    int    `json:"rounds"`
	PerSecond Spread `json:"perSecond"`
	P50       Spread `json:"p50ms"`
	P99       Spread `json:"p99ms"`

	Throughput Spread `json:"throughputRatio"`
	P50Ratio   Spread `json:"p50Ratio"`
	P99Ratio   Spread `json:"p99Ratio"`

	BridgeCPU Spread `json:"bridgeCPUMicroseconds"`
	ServerCPU Spread `json:"serverCPUMicroseconds"`
	CallerCPU Spread `json:"callerCPUMicroseconds"`
}

// signals measures all ways at all numbers of callers. Within a round the ways take turns, and each round begins with
// another one, so that a machine that slows down or speeds up favours none.
func (r *rig) signals(ctx context.Context, cfg Config) ([]SignalFigures, error) {
	var out []SignalFigures
	for _, load := range cfg.Effort.Callers {
		list := ways
		if load.Callers == cfg.Effort.Compared {
			list = append(slices.Clone(ways), moreWays...)
		}
		measured := map[string][]segment{}
		for round := range load.Rounds {
			cfg.Progress(fmt.Sprintf("signals: %d callers, round %d of %d", load.Callers, round+1, load.Rounds))
			for i := range list {
				w := list[(round+i)%len(list)]
				s, err := r.measure(ctx, w, load.Callers, cfg.Effort.Targets, cfg.Effort.Segment)
				if err != nil {
					return nil, fmt.Errorf("%s, %d callers: %w", w.name, load.Callers, err)
				}
				measured[w.name] = append(measured[w.name], s)
			}
		}
		for _, w := range list {
			out = append(out, figures(w, load, measured[w.name], measured[waySDK]))
		}
	}
	return out, nil
}

func figures(w way, load Load, rounds, sdk []segment) SignalFigures {
	each := func(of []segment, get func(segment) float64) []float64 {
		out := make([]float64, len(of))
		for i, s := range of {
			out[i] = get(s)
		}
		return out
	}
	spread := func(get func(segment) float64) Spread { return spreadOf(each(rounds, get)) }
	ratio := func(get func(segment) float64) Spread { return spreadOf(ratios(each(rounds, get), each(sdk, get))) }
	return SignalFigures{
		Way: w.name, Callers: load.Callers, Rounds: load.Rounds,
		PerSecond: spread(segment.perSecond), P50: spread(segment.p50), P99: spread(segment.p99),
		Throughput: ratio(segment.perSecond), P50Ratio: ratio(segment.p50), P99Ratio: ratio(segment.p99),
		BridgeCPU: spread(func(s segment) float64 { return s.cpu.bridge }),
		ServerCPU: spread(func(s segment) float64 { return s.cpu.server }),
		CallerCPU: spread(func(s segment) float64 { return s.cpu.caller }),
	}
}
