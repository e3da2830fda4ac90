package main

import (
	"encoding/json"
	"math/rand/v2"

	"sixelements/internal/sample"
	"sixelements/model"
)

// person is somebody who is about to be registered.
type person struct {
	household model.ID
	first     bool // of the household
	data      json.RawMessage
}

// people makes n persons up, household by household.
func people(n int, seed uint64) ([]person, error) {
	gen := sample.New(sample.Options{Seed: seed, Today: model.Clock(now).Now().Date()})
	out := make([]person, 0, n)
	for len(out) < n {
		id := model.NewID()
		for i, data := range gen.Household(gen.HouseholdSize(), gen.Category()) {
			b, err := json.Marshal(data)
			if err != nil {
				return nil, err
			}
			out = append(out, person{id, i == 0, b})
		}
	}
	return out[:n], nil
}

// newRand is a stream of its own for every seed and number.
func newRand(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
